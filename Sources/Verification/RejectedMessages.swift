import EventLog
import Lake
import MarketData
import Warehouse

/// The messages that the flushers have sent to `pregao.dead-letters`.
struct RejectedMessages {
    /// Whether each offset of a range is a message, so that what a file lacks is a letter.
    let isEachOffsetAMessage: Bool
    private let epoch: String
    /// Letters that the log took after this are all at hand.
    private let wholeSince: Instant
    private let offsets: [TopicPartition: [Offset]]

    /// How far the clocks of a flusher and of the log may be apart.
    private static let clockDifference: Int64 = 3_600_000_000

    /// - Parameter announcements: the topic is read only where one of them has a rejected message.
    init(log: any EventLog, announcements: some Sequence<Announcement>) async throws(LogError) {
        epoch = log.epoch
        isEachOffsetAMessage = !log.hasOffsetGaps
        var found: [TopicPartition: Set<Offset>] = [:]
        var wholeSince = Instant(microseconds: .min)
        if announcements.contains(where: { $0.rejected > 0 }) {
            for (partition, marks) in try await log.marks(of: DeadLetter.topic) {
                try await log.visit(partition, from: marks.start, to: marks.end) { batch, record in
                    // The archivers' letters are announcements, and no flusher's.
                    guard let value = batch.value(of: record), let letter = try? DeadLetter.parse(value),
                        letter.epoch ?? log.epoch == log.epoch
                    else { return }
                    let source = TopicPartition(topic: letter.topic, partition: letter.partition)
                    found[source, default: []].insert(letter.offset)
                }
            }
            // Retention goes on meanwhile.
            for (partition, marks) in try await log.marks(of: DeadLetter.topic) where marks.start > 0 {
                let first = try await log.read(partition, from: marks.start, to: marks.end, maximumBytes: 1)
                wholeSince = max(wholeSince, first.records.first?.timestamp ?? Instant(microseconds: .max))
            }
        }
        self.wholeSince = wholeSince
        offsets = found.mapValues { $0.sorted() }
    }

    /// Whether all letters of the object's messages are at hand: its log is, and retention has taken none of them. A
    /// letter is appended with the announcement of its object.
    func covers(_ announcement: Announcement) -> Bool {
        announcement.epoch == epoch
            && announcement.announcedAt.microseconds.subtractingClamped(Self.clockDifference) > wholeSince.microseconds
    }

    /// The offsets of the object's range that are dead letters, ascending.
    func offsets(of announcement: Announcement) -> Set<Offset> {
        let all = offsets[TopicPartition(topic: announcement.topic, partition: announcement.partition)] ?? []
        let start = index(of: announcement.start, in: all)
        // A damaged ledger may have ranges that run backwards.
        return Set(all[start..<max(start, index(of: announcement.end, in: all))])
    }

    /// Each object has as many dead letters as it says that it rejected.
    func audit(_ objects: [LedgerObject], into report: inout VerificationReport) {
        for object in objects where object.status != .refused && object.announcement.rejected > 0 {
            let announcement = object.announcement
            guard covers(announcement) else {
                report.unproven(.messages, announcement.key, "the log no longer has all of its dead letters")
                continue
            }
            let letters = offsets(of: announcement).count
            guard Int64(letters) != announcement.rejected else { continue }
            report.fault(
                .messages, announcement.key,
                "\(announcement.rejected) rejected, where there are \(letters) dead letters")
        }
    }

    /// Where `offset` stands or would stand.
    private func index(of offset: Offset, in sorted: [Offset]) -> Int {
        var range = 0..<sorted.count
        while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
            range = sorted[middle] < offset ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}
