import MarketData

/// Merges missing slots into few gaps: slots of one series that touch and have one reason are one gap, which closes
/// when a quote or another reason comes, or when it has been open for long enough.
///
/// Gaps are never dropped. What waits is bounded nevertheless: a series holds at most ``mostClosed`` closed gaps that
/// touch one another, since beyond that even gaps of different reasons are merged.
struct GapMerger: Sendable {
    private struct Open {
        var slots: MissingSlots
        let since: Int64
    }

    static let mostClosed = 4

    private var open: [Int: Open] = [:]
    private var closed: [Int: [MissingSlots]] = [:]
    private let longestOpen: Int64

    /// - Parameter longestOpen: microseconds.
    init(longestOpen: Int64) { self.longestOpen = longestOpen }

    var isEmpty: Bool { open.isEmpty && closed.isEmpty }

    /// Slots for which no quote will come.
    mutating func add(_ slots: MissingSlots, at time: Int64) {
        guard let before = open[slots.series] else {
            open[slots.series] = Open(slots: slots, since: time)
            return
        }
        if let merged = before.slots.merged(with: slots) {
            open[slots.series]?.slots = merged
        } else if slots.from < before.slots.from {
            close(slots)
        } else {
            close(before.slots)
            open[slots.series] = Open(slots: slots, since: time)
        }
    }

    /// A quote came for the slot at `from`: gaps before it are over.
    mutating func filled(_ series: Int, from: Instant) {
        guard !open.isEmpty, let before = open[series], before.slots.from < from else { return }
        close(before.slots)
        open[series] = nil
    }

    /// Takes the gaps that are closed, or have been open for the longest time allowed.
    mutating func takeDue(at time: Int64) -> [MissingSlots] {
        for (series, entry) in open where time - entry.since >= longestOpen {
            close(entry.slots)
            open[series] = nil
        }
        return takeClosed()
    }

    mutating func takeAll() -> [MissingSlots] {
        for entry in open.values { close(entry.slots) }
        open = [:]
        return takeClosed()
    }

    private mutating func takeClosed() -> [MissingSlots] {
        guard !closed.isEmpty else { return [] }
        defer { closed = [:] }
        return closed.values.flatMap { $0 }.sorted { ($0.series, $0.from) < ($1.series, $1.from) }
    }

    private mutating func close(_ slots: MissingSlots) {
        var gaps = closed.removeValue(forKey: slots.series) ?? []
        let place = gaps.firstIndex { $0.from > slots.from } ?? gaps.count
        if place > 0, let merged = gaps[place - 1].merged(with: slots) {
            gaps[place - 1] = merged
        } else {
            gaps.insert(slots, at: place)
        }
        if gaps.count > Self.mostClosed,
            let index = gaps.indices.dropLast().first(where: { gaps[$0].to == gaps[$0 + 1].from })
        {
            let second = gaps.remove(at: index + 1)
            gaps[index] = gaps[index].absorbing(second)
        }
        closed[slots.series] = gaps
    }
}

extension MissingSlots {
    /// - Returns: nil where the two do not touch or have different reasons.
    fileprivate func merged(with other: MissingSlots) -> MissingSlots? {
        guard reason == other.reason, to == other.from || other.to == from else { return nil }
        var merged = self
        merged.from = min(from, other.from)
        merged.to = max(to, other.to)
        merged.detail = detail ?? other.detail
        merged.tries += other.tries
        return merged
    }

    /// Both as one gap, by the reason of the longer; the detail names the other.
    fileprivate func absorbing(_ later: MissingSlots) -> MissingSlots {
        let isFirstLonger = to.microseconds(since: from) >= later.to.microseconds(since: later.from)
        let (main, other) = isFirstLonger ? (self, later) : (later, self)
        let detail = main.reason == other.reason ? main.detail : "partly \(other.reason.rawValue)"
        return MissingSlots(
            series: series, from: from, to: later.to, reason: main.reason, detail: detail, tries: tries + later.tries)
    }
}
