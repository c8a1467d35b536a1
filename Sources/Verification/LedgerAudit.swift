import EventLog
import Lake
import Warehouse

/// Holds the ledger against the log: ranges, and the messages in them.
struct LedgerAudit {
    let log: LogCut?
    let objects: [LedgerObject]

    func audit(into report: inout VerificationReport) {
        auditRanges(into: &report)
        auditMessages(into: &report)
        for object in objects where object.status == .refused {
            report.fault(.refused, object.announcement.key, object.reason ?? "refused")
        }
        report.checked(.refused, Int64(objects.count))
        report.counts.append(("rows", objects.reduce(0) { $0 + $1.announcement.rows }))
        report.counts.append(("rejected", objects.reduce(0) { $0 + $1.announcement.rejected }))
        report.counts.append(
            ("lost to retention", objects.filter(\.coversLostMessages).reduce(0) { $0 + $1.announcement.messages }))
    }

    private func auditRanges(into report: inout VerificationReport) {
        var tilings: [LedgerPartition: RangeTiling] = [:]
        for (source, position) in log?.flushed ?? [:] {
            let partition = LedgerPartition(
                epoch: log?.epoch ?? "", topic: source.topic, partition: source.partition)
            tilings[partition] = tiling(of: partition, committed: position)
        }
        for object in objects {
            let announcement = object.announcement
            let partition = announcement.partitionInLedger
            let piece = RangeTiling.Piece(
                name: announcement.key, start: announcement.start, end: announcement.end)
            tilings[partition, default: tiling(of: partition, committed: nil)].ledger.append(piece)
        }
        for announcement in log?.announced ?? [] {
            let partition = announcement.partitionInLedger
            let piece = RangeTiling.Piece(name: announcement.key, start: announcement.start, end: announcement.end)
            let isKnown = tilings[partition]?.ledger.contains(piece) ?? false
            guard !isKnown else { continue }
            tilings[partition, default: tiling(of: partition, committed: nil)].announced.append(piece)
        }
        for (_, tiling) in tilings.sorted(by: { $0.value.partition < $1.value.partition }) {
            report.checked(.ranges, Int64(tiling.ledger.count))
            report.pending(.ranges, Int64(tiling.announced.count))
            report.add(tiling.faults())
        }
        auditDuplicateKeys(into: &report)
    }

    private func tiling(of partition: LedgerPartition, committed: Int64?) -> RangeTiling {
        RangeTiling(
            partition: "\(partition.topic)~\(partition.epoch)/\(partition.partition)", ledger: [], announced: [],
            committed: committed)
    }

    private func auditDuplicateKeys(into report: inout VerificationReport) {
        var seen: Set<String> = []
        for object in objects where !seen.insert(object.announcement.key).inserted {
            report.fault(.ranges, object.announcement.key, "in the ledger twice")
        }
    }

    /// In the embedded log every offset is a message, so that the range itself is the count.
    private func auditMessages(into report: inout VerificationReport) {
        for object in objects where object.status != .refused {
            let announcement = object.announcement
            report.checked(.messages, announcement.messages)
            let expected = object.coversLostMessages ? 0 : announcement.messages
            guard announcement.rows + announcement.rejected != expected else { continue }
            report.fault(
                .messages, announcement.key,
                "\(announcement.rows) rows and \(announcement.rejected) rejected, where the range has \(expected) messages"
            )
        }
    }
}

extension Announcement {
    var messages: Int64 { end - start }

    var partitionInLedger: LedgerPartition { LedgerPartition(epoch: epoch, topic: topic, partition: partition) }
}

extension LedgerObject {
    /// Offsets that the flushers never saw as messages.
    var coversLostMessages: Bool {
        status == .empty && (reason == "lost-to-retention" || reason == "before-first-start")
    }
}
