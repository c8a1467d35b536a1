import MarketData

/// Stretches of time, merged.
struct Coverage: Hashable, Sendable {
    private(set) var stretches: [Range<Instant>] = []

    mutating func insert(_ stretch: Range<Instant>) {
        guard !stretch.isEmpty else { return }
        var merged = stretch
        var others: [Range<Instant>] = []
        for other in stretches {
            if other.upperBound < merged.lowerBound || other.lowerBound > merged.upperBound {
                others.append(other)
            } else {
                merged = min(merged.lowerBound, other.lowerBound)..<max(merged.upperBound, other.upperBound)
            }
        }
        let place = others.firstIndex { $0.lowerBound > merged.lowerBound } ?? others.count
        others.insert(merged, at: place)
        stretches = others
    }

    /// What of `whole` is not covered, in ascending order.
    func missing(in whole: Range<Instant>) -> [Range<Instant>] {
        var missing: [Range<Instant>] = []
        var reached = whole.lowerBound
        for stretch in stretches where stretch.upperBound > reached && stretch.lowerBound < whole.upperBound {
            if stretch.lowerBound > reached { missing.append(reached..<stretch.lowerBound) }
            reached = stretch.upperBound
        }
        if reached < whole.upperBound { missing.append(reached..<whole.upperBound) }
        return missing
    }
}
