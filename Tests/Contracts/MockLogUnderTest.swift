import EventLog
import EventLogTesting
import Foundation
import KafkaLog
import KafkaTesting
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
        return MockedLog(real: try await KafkaEventLog.open(settings), cluster: cluster)
    }

    func removeMessages(of topic: String, in log: any EventLog) async throws {}

    func remove() {}
}

/// A log whose topics are made by the mock cluster itself, which takes no requests for it.
private struct MockedLog: ForwardingLog {
    let real: any EventLog
    let cluster: MockCluster

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        cluster.makeTopic(topic.name, partitions: topic.partitions)
    }
}
