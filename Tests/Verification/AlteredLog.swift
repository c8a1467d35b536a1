import EventLog
import MarketData

/// A log as it is, but for what a test has otherwise.
struct AlteredLog: EventLog {
    /// What is asked of the log.
    enum Question: Hashable, Sendable {
        case watermarks(String)
        case read(String)
    }

    let base: any EventLog
    var epoch: String
    var hasOffsetGaps = false
    /// Whether it tells which topics it has.
    var listsTopics = true
    /// What happens before a question is answered.
    var meanwhile: @Sendable (Question) async throws(LogError) -> Void = { _ throws(LogError) in }

    init(_ base: any EventLog) {
        self.base = base
        epoch = base.epoch
    }

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await base.declare(topic, readBy: groups)
    }

    func topics() async throws(LogError) -> [TopicDeclaration] { listsTopics ? try await base.topics() : [] }

    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        try await base.append(messages)
    }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        try await base.join(group: group, instance: instance, topics: topics)
    }

    func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        try await base.committed(group: group, topics: topics)
    }

    func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        try await meanwhile(.watermarks(topic))
        return try await base.watermarks(of: topic)
    }

    func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch
    {
        try await meanwhile(.read(partition.topic))
        return try await base.read(partition, from: start, to: end, maximumBytes: maximumBytes)
    }

    func applyRetention(now: Instant?) async throws(LogError) { try await base.applyRetention(now: now) }

    func close() async { await base.close() }
}
