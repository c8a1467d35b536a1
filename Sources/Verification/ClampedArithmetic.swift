/// Sums and differences of what a ledger says, which may be damaged: beyond Int64's range they stay at its end.
extension Int64 {
    func addingClamped(_ other: Int64) -> Int64 { Self.clamped(addingReportingOverflow(other), above: other > 0) }

    func subtractingClamped(_ other: Int64) -> Int64 {
        Self.clamped(subtractingReportingOverflow(other), above: other < 0)
    }

    private static func clamped(_ result: (partialValue: Int64, overflow: Bool), above: Bool) -> Int64 {
        guard result.overflow else { return result.partialValue }
        return above ? .max : .min
    }
}

extension Sequence<Int64> {
    func clampedSum() -> Int64 { reduce(0) { $0.addingClamped($1) } }
}
