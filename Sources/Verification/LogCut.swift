import EventLog
import Lake
import MarketData

/// Where the log's groups stood when the verification began. Read before the catalog's snapshot, so that the catalog
/// is never behind what is held against it without the announcements that explain it.
struct LogCut: Sendable {
    let epoch: String
    /// The flushers' stable positions.
    let flushed: [TopicPartition: Offset]
    /// Announced, and not yet committed by the archivers, in the order of the log.
    let announced: [Announcement]
    /// Of the topics that the flushers read, taken after their positions.
    let watermarks: [TopicPartition: Watermarks]

    init(log: any EventLog) async throws(LogError) {
        epoch = log.epoch
        flushed = try await log.committed(group: "pregao.flusher")
        let archived = try await log.committed(group: "pregao.archiver")
        var announced: [Announcement] = []
        for (partition, marks) in try await log.marks(of: Announcement.topic).sorted(by: { $0.key < $1.key }) {
            try await log.visit(partition, from: max(archived[partition] ?? marks.start, marks.start), to: marks.end) {
                batch, record in
                // What cannot be read announces nothing: its range then is a hole.
                guard let value = batch.value(of: record), let read = try? Announcement.parse(value) else { return }
                announced += read
            }
        }
        self.announced = announced
        var watermarks: [TopicPartition: Watermarks] = [:]
        for topic in Set(flushed.keys.map(\.topic)) {
            watermarks.merge(try await log.marks(of: topic)) { $1 }
        }
        self.watermarks = watermarks
    }
}

extension EventLog {
    /// The topic's partitions; none where nobody has declared it yet.
    func marks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        do throws(LogError) {
            return try await watermarks(of: topic)
        } catch {
            guard error.kind == .unknownTopic else { throw error }
            return [:]
        }
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
