/// Whether ranges of offsets tile a partition: no hole, no overlap, up to where the group has committed.
struct RangeTiling {
    struct Piece: Hashable {
        let name: String
        let start: Int64
        let end: Int64
    }

    /// `pregao.quotes~epoch/3`
    let partition: String
    /// In the ledger, in any order.
    var ledger: [Piece] = []
    /// Announced, and not yet in the ledger.
    var announced: [Piece] = []
    /// The flushers' position before the ledger was read, and after; nil where the log of that epoch is not at hand.
    var committed: ClosedRange<Int64>?
    /// Where other epochs of the partition end. A group keeps its positions in a topic that was not made anew when the
    /// epoch was set anew, and goes on there.
    var otherEnds: Set<Int64> = []

    /// Where the tiling is to begin.
    private var begin: Int64 {
        guard let first = (ledger + announced).map(\.start).min() ?? committed?.lowerBound,
            otherEnds.contains(first)
        else { return 0 }
        return first
    }

    /// Whether offsets up to where the flushers have committed are neither in the ledger nor announced.
    var isOpenEnded: Bool {
        guard let committed else { return false }
        return (ledger + announced).map(\.end).max() ?? begin < committed.lowerBound
    }

    func faults() -> [VerificationReport.Fault] {
        var faults: [VerificationReport.Fault] = []
        var reached = begin
        for piece in ledger.sorted(by: Self.isBefore) {
            if let found = Self.step(over: piece, &reached) { faults.append(fault(found.0, found.1, found.2)) }
        }
        if let committed, reached > committed.upperBound {
            faults.append(
                fault(committed.upperBound, reached, "in the ledger, and not committed by the flushers"))
        }
        // Flushers commit and announce at once, so that what is announced goes on where the ledger ends.
        for piece in announced.sorted(by: Self.isBefore) {
            if let found = Self.step(over: piece, &reached) { faults.append(fault(found.0, found.1, found.2)) }
        }
        if let committed, reached < committed.lowerBound {
            faults.append(
                fault(
                    reached, committed.lowerBound,
                    "a hole: committed by the flushers, neither in the ledger nor announced"))
        }
        return faults
    }

    private static func isBefore(_ left: Piece, _ right: Piece) -> Bool {
        (left.start, left.end, left.name) < (right.start, right.end, right.name)
    }

    private static func step(over piece: Piece, _ reached: inout Int64) -> (Int64, Int64, String)? {
        defer { reached = max(reached, piece.end) }
        if piece.start >= piece.end { return (piece.start, piece.end, "an empty or backward range: \(piece.name)") }
        if piece.start > reached { return (reached, piece.start, "a hole: no object covers these offsets") }
        if piece.start < reached {
            return (piece.start, min(reached, piece.end), "an overlap: covered again by \(piece.name)")
        }
        return nil
    }

    private func fault(_ start: Int64, _ end: Int64, _ message: String) -> VerificationReport.Fault {
        VerificationReport.Fault(.ranges, "\(partition) [\(start), \(end))", message)
    }
}
