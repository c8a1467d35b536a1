import EventLog
import Lake
import MarketData

/// One message of `pregao.objects`, as taken from the log.
struct Arrival: Sendable {
    let partition: TopicPartition
    let offset: Offset
    let timestamp: Instant
    /// The group's position once this message is done.
    let nextOffset: Offset
    let key: [UInt8]?
    let message: [UInt8]?
    let headers: [Header]
    let content: Content

    enum Content: Sendable {
        case announcement(Announcement)
        /// The message says nothing that can be followed.
        case unreadable(Refusal)
        /// It announces a range under a key that no raw object has.
        case misnamed(Announcement, Refusal)
    }
}

extension Arrival {
    /// The messages of a batch; the last one also carries the position past what lies behind it.
    static func all(of batch: RecordBatch) -> [Arrival] {
        batch.records.enumerated().map { index, record in
            let isLast = index == batch.records.count - 1
            let message = batch.value(of: record)
            return Arrival(
                partition: batch.source, offset: record.offset, timestamp: record.timestamp,
                nextOffset: isLast ? batch.nextOffset : batch.records[index + 1].offset, key: batch.key(of: record),
                message: message, headers: record.headers, content: Content(message ?? []))
        }
    }
}

extension Arrival.Content {
    init(_ message: [UInt8]) {
        let announcements: [Announcement]
        do throws(AnnouncementFault) {
            announcements = try Announcement.parse(message)
        } catch {
            self = .unreadable(Refusal(.unreadable, error.reason))
            return
        }
        guard let announcement = announcements.first, announcements.count == 1 else {
            let detail = "\(announcements.count) records in one message, where the flusher writes one"
            self = .unreadable(Refusal(.unreadable, detail))
            return
        }
        guard let name = RawObjectName(key: announcement.key) else {
            self = .misnamed(announcement, Refusal(.misnamed, "'\(announcement.key)' is no raw object's name"))
            return
        }
        guard name == announcement.name(day: name.day) else {
            let detail = "'\(announcement.key)' is not the name of the announced range and content"
            self = .unreadable(Refusal(.contradictory, detail))
            return
        }
        self = .announcement(announcement)
    }
}

extension Announcement {
    /// The name that the object has, were it of that ingestion day.
    fileprivate func name(day: Day) -> RawObjectName {
        RawObjectName(
            dataset: dataset, day: day, topic: topic, epoch: epoch, partition: partition, start: start, end: end,
            sha256: sha256)
    }
}
