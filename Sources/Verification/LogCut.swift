import EventLog
import Lake
import MarketData
import Warehouse

/// Where the log's groups stood when the verification began. Read before the catalog's snapshot, so that the catalog
/// is never behind what is held against it without the announcements that explain it.
struct LogCut: Sendable {
    let epoch: String
    /// The flushers' stable positions.
    let flushed: [TopicPartition: Offset]
    /// Announced, and not yet committed by the archivers, in the order of the log.
    private(set) var announced: [Announcement] = []
    /// The archivers' positions.
    private let archived: [TopicPartition: Offset]
    /// Of the topics that the flushers read, taken after their positions.
    let watermarks: [TopicPartition: Watermarks]
    /// Messages behind the flushers' positions, where there are any.
    let waiting: [TopicPartition: Int64]
    /// What the pollers say of their slots.
    let accounts: PollAccounts

    init(log: any EventLog) async throws(LogError) {
        epoch = log.epoch
        let topics = try await Self.flushersTopics(log)
        flushed = try await log.positions(of: "pregao.flusher", in: topics)
        archived = try await log.positions(of: "pregao.archiver", in: [Announcement.topic])
        var watermarks: [TopicPartition: Watermarks] = [:]
        for topic in Set(flushed.keys.map(\.topic)).union(Datasets.all.map(\.topic)) {
            watermarks.merge(try await log.marks(of: topic)) { $1 }
        }
        self.watermarks = watermarks
        waiting = try await Self.waiting(log, flushed: flushed, watermarks)
        accounts = try await PollAccounts(log: log)
        try await readAnnouncements(log)
    }

    /// A few offsets are looked at where some may be no messages: behind the last message stands the marker of its
    /// transaction.
    private static func waiting(
        _ log: any EventLog, flushed: [TopicPartition: Offset], _ watermarks: [TopicPartition: Watermarks]
    ) async throws(LogError) -> [TopicPartition: Int64] {
        var waiting: [TopicPartition: Int64] = [:]
        for (source, marks) in watermarks {
            let start = max(flushed[source] ?? marks.start, marks.start)
            var count = marks.end - start
            if log.hasOffsetGaps, (1...1000).contains(count) {
                count = 0
                try await log.visit(source, from: start, to: marks.end) { _, _ in count += 1 }
            }
            if count > 0 { waiting[source] = count }
        }
        return waiting
    }

    /// Reads what is announced by now.
    mutating func readAnnouncements(_ log: any EventLog) async throws(LogError) {
        var announced: [Announcement] = []
        for (partition, marks) in try await log.marks(of: Announcement.topic).sorted(by: { $0.key < $1.key }) {
            try await log.visit(partition, from: max(archived[partition] ?? marks.start, marks.start), to: marks.end) {
                batch, record in
                guard let value = batch.value(of: record), let read = try? Announcement.parse(value) else { return }
                announced += read
            }
        }
        self.announced = announced
    }

    /// The flushers' positions now.
    static func flushed(_ log: any EventLog) async throws(LogError) -> [TopicPartition: Offset] {
        try await log.positions(of: "pregao.flusher", in: flushersTopics(log))
    }

    /// Those of the datasets by name: a list of topics may leave out what its reader may not have described. A log may
    /// have more, of a newer program's datasets.
    private static func flushersTopics(_ log: any EventLog) async throws(LogError) -> Set<String> {
        Set(try await log.topics().map(\.name)).union(Datasets.all.map(\.topic))
    }

    /// Up to where the catalog has the messages of each partition.
    func reached(_ ranges: [LedgerRange]) -> [TopicPartition: Offset] {
        // A partition of which the catalog has nothing yet begins with this epoch's first object.
        var reached = flushed
        for announcement in announced where announcement.epoch == epoch {
            let source = TopicPartition(topic: announcement.topic, partition: announcement.partition)
            reached[source] = min(reached[source] ?? announcement.start, announcement.start)
        }
        for range in ranges where range.partition.epoch == epoch {
            reached[TopicPartition(topic: range.partition.topic, partition: range.partition.partition)] = range.end
        }
        return reached
    }
}

extension EventLog {
    /// The group's positions in those of the topics that are there.
    func positions(of group: String, in topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        var positions: [TopicPartition: Offset] = [:]
        for topic in topics {
            do throws(LogError) {
                positions.merge(try await committed(group: group, topics: [topic])) { $1 }
            } catch {
                guard error.kind == .unknownTopic else { throw error }
            }
        }
        return positions
    }

    /// Every record of [start, end), in ascending order, a few megabytes at a time.
    func visit(
        _ partition: TopicPartition, from start: Offset, to end: Offset,
        _ body: (RecordBatch, RecordBatch.Record) -> Void
    ) async throws(LogError) {
        var next = start
        while next < end {
            let batch = try await read(partition, from: next, to: end, maximumBytes: 4 << 20)
            for record in batch.records { body(batch, record) }
            guard batch.nextOffset > next else { return }
            next = batch.nextOffset
        }
    }
}
