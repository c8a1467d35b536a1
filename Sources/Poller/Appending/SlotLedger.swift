import MarketData

/// Up to when a series' slots are accounted for: each is durable in the log, as a quote or inside a gap.
///
/// Slots may be settled in any order, since answers overtake each other.
struct SlotLedger: Hashable, Sendable {
    private(set) var accountedUntil: Instant
    /// Settled stretches after ``accountedUntil``, in order, not touching it.
    private(set) var ahead: [Range<Instant>] = []

    init(from start: Instant) { accountedUntil = start }

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
        let place = ahead.firstIndex { $0.lowerBound > slots.lowerBound } ?? ahead.count
        ahead.insert(slots, at: place)
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
