import EventLog
import Lake
import MarketData
import Warehouse

/// Holds the ledger against the log: ranges, and the messages in them.
struct LedgerAudit {
    private(set) var log: LogCut
    /// The flushers' positions after the ledger's snapshot was taken.
    let flushedSince: [TopicPartition: Offset]
    let objects: [LedgerObject]
    let ranges: [LedgerRange]
    let counts: MessageCounts

    init(
        log: LogCut, flushedSince: [TopicPartition: Offset], objects: [LedgerObject], ranges: [LedgerRange],
        counts: MessageCounts
    ) {
        self.log = log
        self.flushedSince = flushedSince
        self.objects = objects
        self.ranges = ranges
        self.counts = counts
    }

    /// Kafka ends a transaction partition by partition, so that a commit's positions may be seen some moments before what
    /// it announced: where only that is missing, it is looked for again.
    mutating func awaitAnnouncements(in log: any EventLog) async throws {
        guard log.hasOffsetGaps else { return }
        for _ in 0..<5 where tilings().values.contains(where: \.isOpenEnded) {
            try await Task.sleep(for: .milliseconds(500))
            try await self.log.readAnnouncements(log)
        }
    }

    func audit(into report: inout VerificationReport) {
        auditRanges(into: &report)
        for other in Set(objects.map(\.announcement.epoch)).subtracting([log.epoch]).sorted() {
            report.unproven(
                .ranges, "epoch \(other)", "its end cannot be held against its log, which is not the one at hand")
        }
        auditReach(into: &report)
        auditMessages(into: &report)
        for object in objects {
            if let contradiction = object.contradiction {
                report.fault(.ranges, object.announcement.key, "its row in the ledger contradicts \(contradiction)")
            }
            if object.status == .refused {
                report.fault(.refused, object.announcement.key, object.reason ?? "refused")
            }
        }
        report.checked(.refused, Int64(objects.count))
        count(into: &report)
    }

    private func count(into report: inout VerificationReport) {
        let stored = objects.filter { $0.status != .refused }
        func lost(_ reason: EmptyRange) -> Int64 {
            stored.filter { $0.emptyRange == reason }.map(\.announcement.messages).clampedSum()
        }
        report.counts = [
            ("rows", stored.map(\.announcement.rows).clampedSum()),
            ("rejected", stored.map(\.announcement.rejected).clampedSum()),
            ("lost to retention", lost(.lostToRetention)),
            ("before the first start", lost(.beforeFirstStart)),
            ("expired objects", Int64(stored.count { $0.isExpired })),
        ]
    }

    // MARK: - Ranges

    private func auditRanges(into report: inout VerificationReport) {
        for (_, tiling) in tilings().sorted(by: { $0.value.partition < $1.value.partition }) {
            report.checked(.ranges, Int64(tiling.ledger.count))
            report.pending(.ranges, Int64(tiling.announced.count))
            report.add(tiling.faults())
        }
    }

    private func tilings() -> [LedgerPartition: RangeTiling] {
        var tilings: [LedgerPartition: RangeTiling] = [:]
        for source in Set(log.flushed.keys).union(flushedSince.keys) {
            tilings[partition(source), default: tiling(of: partition(source))].ledger = []
        }
        for object in objects {
            let partition = object.announcement.partitionInLedger
            tilings[partition, default: tiling(of: partition)].ledger.append(object.announcement.piece)
        }
        // An announcement that was sent again, as a replay does, is the same piece.
        var known = Set(objects.map(\.announcement.key))
        for announcement in log.announced where known.insert(announcement.key).inserted {
            let partition = announcement.partitionInLedger
            tilings[partition, default: tiling(of: partition)].announced.append(announcement.piece)
        }
        let ends = tilings.mapValues { tiling in (tiling.ledger + tiling.announced).map(\.end).max() }
        for partition in tilings.keys {
            let others = ends.filter { $0.key.isOtherEpoch(of: partition) }
            tilings[partition]?.otherEnds = Set(others.values.compactMap { $0 })
        }
        return tilings
    }

    private func partition(_ source: TopicPartition) -> LedgerPartition {
        LedgerPartition(epoch: log.epoch, topic: source.topic, partition: source.partition)
    }

    private func tiling(of partition: LedgerPartition) -> RangeTiling {
        var tiling = RangeTiling(partition: partition.place)
        if partition.epoch == log.epoch {
            let source = TopicPartition(topic: partition.topic, partition: partition.partition)
            let before = log.flushed[source] ?? 0
            tiling.committed = before...max(before, flushedSince[source] ?? before)
        }
        return tiling
    }

    /// What the ledger says of how far it reaches agrees with its objects.
    private func auditReach(into report: inout VerificationReport) {
        let byPartition = Dictionary(grouping: objects, by: \.announcement.partitionInLedger)
        let known = Dictionary(grouping: ranges, by: \.partition)
        for partition in Set(byPartition.keys).union(known.keys).sorted(by: { $0.place < $1.place }) {
            let pieces = (byPartition[partition] ?? []).map(\.announcement)
            let found = pieces.map(\.start).min().flatMap { start in
                pieces.map(\.end).max().map { start..<max($0, start) }
            }
            let told = (known[partition] ?? []).map { $0.start..<max($0.start, $0.end) }
            guard told.count != 1 || told.first != found else { continue }
            let words = told.map { "[\($0.lowerBound), \($0.upperBound))" }.joined(separator: " and ")
            report.fault(
                .ranges, partition.place,
                "the ledger says that it holds \(words.isEmpty ? "nothing" : words), and its objects "
                    + (found.map { "[\($0.lowerBound), \($0.upperBound))" } ?? "are none"))
        }
    }

    // MARK: - Messages

    /// In the embedded log every offset is a message, so that the range itself is the count; on Kafka it is read again.
    private func auditMessages(into report: inout VerificationReport) {
        for object in objects where object.status != .refused {
            let announcement = object.announcement
            if let message = lossFault(of: object) { report.fault(.messages, announcement.key, message) }
            let expected: Int64
            switch counts.messages(of: object) {
            case .messages(let count): expected = count
            case .outOfScope: continue
            case .gone:
                // No more messages than offsets, so that as many leave nothing open.
                expected = announcement.messages
                if announcement.rows.addingClamped(announcement.rejected) < expected {
                    report.unproven(
                        .messages, announcement.key,
                        "the log at hand no longer has all messages of its range, or is another than its own")
                    continue
                }
            }
            report.checked(.messages, object.emptyRange == nil ? expected : announcement.messages)
            guard announcement.rows.addingClamped(announcement.rejected) != expected else { continue }
            report.fault(
                .messages, announcement.key,
                "\(announcement.rows) rows and \(announcement.rejected) rejected, where the range has \(expected) messages"
            )
        }
        for (source, marks) in log.watermarks {
            let waiting = marks.end - (log.flushed[source] ?? marks.start)
            if waiting > 0 { report.pending(.messages, waiting) }
        }
    }

    /// What is said to be lost is no longer in the log.
    private func lossFault(of object: LedgerObject) -> String? {
        let announcement = object.announcement
        let source = TopicPartition(topic: announcement.topic, partition: announcement.partition)
        guard object.emptyRange != nil, announcement.epoch == log.epoch, let start = log.watermarks[source]?.start,
            start < announcement.end
        else { return nil }
        return "is said to be \(object.reason ?? "empty"), and the log still has offsets from \(start) on"
    }
}

extension Announcement {
    var messages: Int64 { end.subtractingClamped(start) }

    var partitionInLedger: LedgerPartition { LedgerPartition(epoch: epoch, topic: topic, partition: partition) }

    fileprivate var piece: RangeTiling.Piece { RangeTiling.Piece(name: key, start: start, end: end) }
}

extension LedgerPartition {
    /// `pregao.quotes~epoch/3`
    var place: String { "\(topic)~\(epoch)/\(partition)" }

    fileprivate func isOtherEpoch(of other: LedgerPartition) -> Bool {
        topic == other.topic && partition == other.partition && epoch != other.epoch
    }
}

/// Offsets that the flushers never saw as messages.
enum EmptyRange: String {
    case lostToRetention = "lost-to-retention"
    case beforeFirstStart = "before-first-start"
}

extension LedgerObject {
    var emptyRange: EmptyRange? { status == .empty ? reason.flatMap(EmptyRange.init) : nil }

    /// What of the row does not belong to the object's name or to the rest of the row; nil where all does.
    fileprivate var contradiction: String? {
        let it = announcement
        guard let name = RawObjectName(key: it.key) else { return "its key, which is no raw object's name" }
        let named = RawObjectName(
            dataset: it.dataset, day: name.day, topic: it.topic, epoch: it.epoch, partition: it.partition,
            start: it.start, end: it.end, sha256: it.sha256)
        if named != name { return "its key" }
        switch status {
        case .registered: return it.rows > 0 ? nil : "its status: registered, without a row"
        case .empty: return it.rows == 0 ? nil : "its status: empty, with \(it.rows) rows"
        case .refused: return nil
        }
    }
}
