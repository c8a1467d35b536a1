import EventLog
import Foundation
import KafkaLog
import KafkaTesting
import MarketData
import Testing

extension EventLogKind {
    /// librdkafka's mock cluster: it makes no topics on request, and keeps no positions committed in transactions.
    static let mockCluster = EventLogKind(description: "Kafka's mock cluster", abilities: [.leavingAtOnce]) {
        MockLogUnderTest(cluster: try #require(MockCluster()))
    }
}

struct MockLogUnderTest: EventLogUnderTest {
    let cluster: MockCluster

    func open() async throws -> any EventLog {
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        settings.sessionTimeout = .seconds(6)
        // Members hear of a rebalance with a heartbeat.
        settings.properties["heartbeat.interval.ms"] = "100"
        return MockedLog(log: try await KafkaEventLog.open(settings), cluster: cluster)
    }

    func removeMessages(of topic: String, in log: any EventLog) async throws {}

    func remove() {}
}

/// A log whose topics are made by the mock cluster itself, which takes no requests for it.
private struct MockedLog: EventLog {
    let log: KafkaEventLog
    let cluster: MockCluster

    var epoch: String { log.epoch }

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        cluster.makeTopic(topic.name, partitions: topic.partitions)
    }

    func topics() async throws(LogError) -> [TopicDeclaration] { try await log.topics() }

    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        try await log.append(messages)
    }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        try await log.join(group: group, instance: instance, topics: topics)
    }

    func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        try await log.committed(group: group, topics: topics)
    }

    func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        try await log.watermarks(of: topic)
    }

    func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch
    {
        try await log.read(partition, from: start, to: end, maximumBytes: maximumBytes)
    }

    func applyRetention(now: Instant?) async throws(LogError) { try await log.applyRetention(now: now) }

    func close() async { await log.close() }
}
