import EventLog
import Lake
import Warehouse

/// How many messages each object's range has, where offsets alone do not tell: read again from the log.
struct MessageCounts {
    enum Answer: Hashable {
        case messages(Int64)
        /// The log no longer has the range whole, or is another: only that there are no more messages than offsets is
        /// known.
        case gone
        case outOfScope
    }

    private let epoch: String
    /// By the objects' keys; nil where each offset is a message.
    private let counted: [String: Answer]?

    /// - Parameter objects: those in scope; a range that the log has not kept whole is not counted.
    init(log: any EventLog, objects: [LedgerObject]) async throws(LogError) {
        epoch = log.epoch
        guard log.hasOffsetGaps else {
            counted = nil
            return
        }
        // Asked for after the objects, whose ends these include.
        let watermarks = try await Self.watermarks(log, objects)
        var counted: [String: Answer] = [:]
        // In the order of the log, which is read on from where the last range ended.
        for object in objects.sorted(by: Self.isBefore) {
            let announcement = object.announcement
            let source = TopicPartition(topic: announcement.topic, partition: announcement.partition)
            guard announcement.epoch == log.epoch, object.emptyRange == nil, let marks = watermarks[source],
                marks.start <= announcement.start, announcement.end <= marks.end
            else {
                counted[announcement.key] = .gone
                continue
            }
            var count: Int64 = 0
            try await log.visit(source, from: announcement.start, to: announcement.end) { _, _ in count += 1 }
            counted[announcement.key] = .messages(count)
        }
        // Retention goes on meanwhile.
        let kept = try await Self.watermarks(log, objects)
        for announcement in objects.map(\.announcement) where counted[announcement.key] != .outOfScope {
            let source = TopicPartition(topic: announcement.topic, partition: announcement.partition)
            if kept[source]?.start ?? .max > announcement.start { counted[announcement.key] = .gone }
        }
        self.counted = counted
    }

    private static func watermarks(_ log: any EventLog, _ objects: [LedgerObject]) async throws(LogError)
        -> [TopicPartition: Watermarks]
    {
        var watermarks: [TopicPartition: Watermarks] = [:]
        for topic in Set(objects.map(\.announcement.topic)) {
            watermarks.merge(try await log.marks(of: topic)) { $1 }
        }
        return watermarks
    }

    private static func isBefore(_ left: LedgerObject, _ right: LedgerObject) -> Bool {
        let (left, right) = (left.announcement, right.announcement)
        return (left.topic, left.partition, left.start) < (right.topic, right.partition, right.start)
    }

    func messages(of object: LedgerObject) -> Answer {
        if object.emptyRange != nil { return .messages(0) }
        if let counted { return counted[object.announcement.key] ?? .outOfScope }
        // Another log may have had gaps.
        return object.announcement.epoch == epoch ? .messages(object.announcement.messages) : .gone
    }
}
