import MarketData

/// Up to when a series' slots are accounted for: each is durable in the log, as a quote or inside a gap.
///
/// Slots may be settled in any order, since answers overtake each other.
struct SlotLedger: Hashable, Sendable {
    /// The start of the first slot that is the poller's to account for.
    private(set) var accountedFrom: Instant
    private(set) var accountedUntil: Instant
    /// Settled stretches after ``accountedUntil``, in order, touching neither it nor each other.
    private(set) var ahead: [Range<Instant>] = []

    init(from start: Instant) { self.init(from: start, until: start) }

    init(from start: Instant, until end: Instant) {
        accountedFrom = start
        accountedUntil = end
    }

    mutating func settle(_ slots: Range<Instant>) {
        guard slots.upperBound > accountedUntil else { return }
        guard slots.lowerBound > accountedUntil else {
            accountedUntil = slots.upperBound
            while let next = ahead.first, next.lowerBound <= accountedUntil {
                accountedUntil = max(accountedUntil, next.upperBound)
                ahead.removeFirst()
            }
            return
        }
        let start = ahead.firstIndex { $0.upperBound >= slots.lowerBound } ?? ahead.count
        var end = start
        var merged = slots
        while end < ahead.count, ahead[end].lowerBound <= merged.upperBound {
            merged =
                min(merged.lowerBound, ahead[end].lowerBound)..<max(merged.upperBound, ahead[end].upperBound)
            end += 1
        }
        ahead.replaceSubrange(start..<end, with: [merged])
    }

    /// Has the series begin at `start`, where what is not settled before can be recorded by nothing.
    mutating func begin(at start: Instant) {
        guard start > accountedUntil else { return }
        accountedFrom = start
        settle(accountedUntil..<start)
    }

    /// What is not settled before `end`, in order.
    func holes(until end: Instant) -> [Range<Instant>] {
        var holes: [Range<Instant>] = []
        var reached = accountedUntil
        for stretch in ahead where stretch.lowerBound < end {
            if stretch.lowerBound > reached { holes.append(reached..<stretch.lowerBound) }
            reached = max(reached, stretch.upperBound)
        }
        if reached < end { holes.append(reached..<end) }
        return holes
    }
}
