import EventLog
import Lake

/// One message of `pregao.objects`, as taken from the log.
struct Arrival: Sendable {
    let partition: TopicPartition
    let offset: Offset
    /// The group's position once this message is done.
    let nextOffset: Offset
    let message: [UInt8]
    let key: [UInt8]?
    let content: Content

    enum Content: Sendable {
        case announcement(Announcement)
        /// The message cannot be read.
        case unreadable(String)
    }
}

extension Arrival {
    /// The messages of a batch; the last one also carries the position past what lies behind it.
    static func all(of batch: RecordBatch) -> [Arrival] {
        batch.records.enumerated().map { index, record in
            let isLast = index == batch.records.count - 1
            let message = batch.value(of: record) ?? []
            return Arrival(
                partition: batch.source, offset: record.offset,
                nextOffset: isLast ? batch.nextOffset : batch.records[index + 1].offset,
                message: message, key: batch.key(of: record), content: read(message))
        }
    }

    private static func read(_ message: [UInt8]) -> Content {
        do throws(AnnouncementFault) {
            let announcements = try Announcement.parse(message)
            guard let announcement = announcements.first, announcements.count == 1 else {
                return .unreadable("\(announcements.count) records in the message; the flusher writes one")
            }
            if let contradiction = announcement.contradiction { return .unreadable(contradiction) }
            return .announcement(announcement)
        } catch {
            return .unreadable(error.reason)
        }
    }
}

extension Announcement {
    /// Why the key and the rest of the announcement do not belong together; nil where they do.
    var contradiction: String? {
        guard let name = RawObjectName(key: key) else { return "the key '\(key)' is not a raw object's name" }
        let expected = RawObjectName(
            dataset: dataset, day: name.day, topic: topic, epoch: epoch, partition: partition, start: start, end: end,
            sha256: sha256)
        return name == expected ? nil : "the key '\(key)' does not belong to the announced range and content"
    }
}
