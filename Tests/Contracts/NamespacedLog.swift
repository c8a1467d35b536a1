import EventLog
import MarketData

/// A log of its own within a larger one: topics and groups have names that no other test's have.
struct NamespacedLog: EventLog {
    let whole: any EventLog
    let prefix: String

    var epoch: String { whole.epoch }
    var hasOffsetGaps: Bool { whole.hasOffsetGaps }

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await whole.declare(
            TopicDeclaration(name: prefix + topic.name, partitions: topic.partitions, retention: topic.retention),
            readBy: Set(groups.map { prefix + $0 }))
    }

    func topics() async throws(LogError) -> [TopicDeclaration] {
        try await whole.topics().filter { $0.name.hasPrefix(prefix) }.map { topic in
            TopicDeclaration(name: own(topic.name), partitions: topic.partitions, retention: topic.retention)
        }
    }

    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        try await whole.append(messages.map(outer)).map(own)
    }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        NamespacedConsumer(
            whole: try await whole.join(
                group: prefix + group, instance: instance, topics: topics.map { prefix + $0 }), log: self)
    }

    func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        own(try await whole.committed(group: prefix + group, topics: Set(topics.map { prefix + $0 })))
    }

    func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        own(try await whole.watermarks(of: prefix + topic))
    }

    func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch
    {
        own(try await whole.read(outer(partition), from: start, to: end, maximumBytes: maximumBytes))
    }

    func applyRetention(now: Instant?) async throws(LogError) { try await whole.applyRetention(now: now) }

    func close() async { await whole.close() }

    // MARK: - Names

    func outer(_ partition: TopicPartition) -> TopicPartition {
        TopicPartition(topic: prefix + partition.topic, partition: partition.partition)
    }

    func outer(_ message: OutgoingMessage) -> OutgoingMessage {
        OutgoingMessage(
            topic: prefix + message.topic, key: message.key, value: message.value, headers: message.headers)
    }

    private func own(_ topic: String) -> String { String(topic.dropFirst(prefix.count)) }

    func own(_ partition: TopicPartition) -> TopicPartition {
        TopicPartition(topic: own(partition.topic), partition: partition.partition)
    }

    func own(_ position: LogPosition) -> LogPosition {
        LogPosition(partition: own(position.partition), offset: position.offset)
    }

    func own<Value>(_ values: [TopicPartition: Value]) -> [TopicPartition: Value] {
        Dictionary(uniqueKeysWithValues: values.map { (own($0.key), $0.value) })
    }

    func own(_ batch: RecordBatch) -> RecordBatch {
        var own = RecordBatch(source: own(batch.source), startingAt: batch.nextOffset)
        for record in batch.records {
            batch.withValue(of: record) { value in
                batch.key(of: record).withBytes { key in
                    own.append(
                        offset: record.offset, timestamp: record.timestamp, key: key, value: value,
                        headers: record.headers)
                }
            }
        }
        own.nextOffset = batch.nextOffset
        return own
    }

    func own(_ event: ConsumerEvent) -> ConsumerEvent {
        switch event {
        case .assigned(let positions): .assigned(own(positions))
        case .revoking(let partitions): .revoking(Set(partitions.map(own)))
        case .lost(let partitions): .lost(Set(partitions.map(own)))
        case .trimmed(let partition, let from, let to): .trimmed(own(partition), from: from, to: to)
        case .records(let batch): .records(own(batch))
        }
    }
}

private struct NamespacedConsumer: GroupConsumer {
    let whole: any GroupConsumer
    let log: NamespacedLog

    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        try await whole.next(waitingAtMost: duration).map(log.own)
    }

    func pause(_ partitions: Set<TopicPartition>) async { await whole.pause(Set(partitions.map(log.outer))) }

    func resume(_ partitions: Set<TopicPartition>) async { await whole.resume(Set(partitions.map(log.outer))) }

    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] {
        let advances = batch.advances.map { advance in
            CommitBatch.Advance(partition: log.outer(advance.partition), start: advance.start, end: advance.end)
        }
        return try await whole.commit(CommitBatch(advances: advances, appends: batch.appends.map(log.outer)))
            .map(log.own)
    }

    func release(_ partitions: Set<TopicPartition>) async throws(LogError) {
        try await whole.release(Set(partitions.map(log.outer)))
    }

    func leave() async { await whole.leave() }
}

extension Optional<[UInt8]> {
    fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        switch self {
        case nil: body(nil)
        case .some(let bytes): bytes.withUnsafeBytes { body($0) }
        }
    }
}
