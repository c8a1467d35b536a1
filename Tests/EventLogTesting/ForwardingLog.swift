import EventLog
import MarketData

/// A log that passes every call on to another, but those that it makes its own.
public protocol ForwardingLog: EventLog {
    var real: any EventLog { get }
}

extension ForwardingLog {
    public var epoch: String { real.epoch }
    public var hasOffsetGaps: Bool { real.hasOffsetGaps }

    public func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await real.declare(topic, readBy: groups)
    }

    public func topics() async throws(LogError) -> [TopicDeclaration] { try await real.topics() }

    public func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        try await real.append(messages)
    }

    public func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        try await real.join(group: group, instance: instance, topics: topics)
    }

    public func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        try await real.committed(group: group, topics: topics)
    }

    public func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        try await real.watermarks(of: topic)
    }

    public func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch
    {
        try await real.read(partition, from: start, to: end, maximumBytes: maximumBytes)
    }

    public func applyRetention(now: Instant?) async throws(LogError) { try await real.applyRetention(now: now) }

    public func close() async { await real.close() }
}

/// A member that passes every call on to another, but those that it makes its own.
public protocol ForwardingConsumer: GroupConsumer {
    var real: any GroupConsumer { get }
}

extension ForwardingConsumer {
    public func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        try await real.next(waitingAtMost: duration)
    }

    public func pause(_ partitions: Set<TopicPartition>) async { await real.pause(partitions) }

    public func resume(_ partitions: Set<TopicPartition>) async { await real.resume(partitions) }

    public func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] { try await real.commit(batch) }

    public func release(_ partitions: Set<TopicPartition>) async throws(LogError) { try await real.release(partitions) }

    public func leave() async { await real.leave() }
}
