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
    var ledger: [Piece]
    /// Announced, and not yet taken by the archivers.
    var announced: [Piece]
    /// The flushers' position; nil where the log of that epoch is not at hand.
    let committed: Int64?

    func faults() -> [VerificationReport.Fault] {
        var faults: [VerificationReport.Fault] = []
        let sorted = ledger.sorted { ($0.start, $0.end, $0.name) < ($1.start, $1.end, $1.name) }
        var reached = sorted.first?.start ?? 0
        for piece in sorted {
            if piece.start >= piece.end {
                faults.append(fault(piece.start, piece.end, "an empty or backward range: \(piece.name)"))
            } else if piece.start > reached {
                faults.append(fault(reached, piece.start, "a hole: no object covers these offsets"))
            } else if piece.start < reached {
                faults.append(fault(piece.start, min(reached, piece.end), "an overlap: covered again by \(piece.name)"))
            }
            reached = max(reached, piece.end)
        }
        if let first = sorted.first, first.start != 0 {
            faults.append(fault(0, first.start, "a hole: no object covers these offsets"))
        }
        return faults + faultsUpToCommitted(from: reached)
    }

    /// From the ledger's end on, what is announced must go on without a hole up to the flushers' position.
    private func faultsUpToCommitted(from end: Int64) -> [VerificationReport.Fault] {
        guard let committed else { return [] }
        var reached = end
        for piece in announced.sorted(by: { $0.start < $1.start }) where piece.start <= reached {
            reached = max(reached, piece.end)
        }
        guard reached < committed else { return [] }
        return [fault(reached, committed, "a hole: committed by the flushers, neither in the ledger nor announced")]
    }

    private func fault(_ start: Int64, _ end: Int64, _ message: String) -> VerificationReport.Fault {
        VerificationReport.Fault(.ranges, "\(partition) [\(start), \(end))", message)
    }
}
