import EventLog
import Lake
import MarketData

/// Where the log's groups stood when the verification began. Read before the catalog's snapshot, so that the catalog
/// is never behind what is held against it without the announcements that explain it.
struct LogCut: Sendable {
    let epoch: String
    /// The flushers' stable positions.
    let flushed: [TopicPartition: Offset]
    /// Announced, and not yet committed by the archivers.
    let announced: [Announcement]
    let watermarks: [TopicPartition: Watermarks]

    init(log: any EventLog) async throws(LogError) {
        epoch = log.epoch
        flushed = try await log.committed(group: "pregao.flusher")
        let archived = try await log.committed(group: "pregao.archiver")
        var announced: [Announcement] = []
        for (partition, marks) in try await log.watermarks(of: Announcement.topic) {
            var next = max(archived[partition] ?? marks.start, marks.start)
            while next < marks.end {
                let batch = try await log.read(partition, from: next, to: marks.end, maximumBytes: 4 << 20)
                for record in batch.records {
                    guard let value = batch.value(of: record), let read = try? Announcement.parse(value) else {
                        continue
                    }
                    announced += read
                }
                guard batch.nextOffset > next else { break }
                next = batch.nextOffset
            }
        }
        self.announced = announced
        var watermarks: [TopicPartition: Watermarks] = [:]
        for topic in Set(flushed.keys.map(\.topic)) {
            watermarks.merge(try await log.watermarks(of: topic)) { $1 }
        }
        self.watermarks = watermarks
    }
}
