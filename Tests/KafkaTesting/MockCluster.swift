import CRdKafka
import EventLog

/// librdkafka's mock cluster, inside this process. It makes no topics on request, keeps no positions committed in
/// transactions, and what is aborted stays visible.
///
/// Sendable, since its pointers never change and librdkafka locks what is behind them.
public final class MockCluster: @unchecked Sendable {
    /// Kafka's requests, by their keys.
    public enum Request: Int16, Sendable {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case fetchOffsets = 9
        case findCoordinator = 10
        case join = 11
        case heartbeat = 12
        case sync = 14
        case initProducerID = 22
        case addPartitions = 24
        case addOffsets = 25
        case endTransaction = 26
        case commitOffsets = 28
    }

    private let client: OpaquePointer
    private let pointer: OpaquePointer

    public init?(brokers: Int32 = 1) {
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nil, 0) else { return nil }
        guard let pointer = rd_kafka_mock_cluster_new(client, brokers) else {
            rd_kafka_destroy(client)
            return nil
        }
        self.client = client
        self.pointer = pointer
    }

    deinit {
        rd_kafka_mock_cluster_destroy(pointer)
        rd_kafka_destroy(client)
    }

    public var brokers: String { String(cString: rd_kafka_mock_cluster_bootstraps(pointer)) }

    public func makeTopic(_ name: String, partitions: Int32) {
        rd_kafka_mock_topic_create(pointer, name, partitions, 1)
    }

    /// From now on the partition has this leader, counted from 1, or none.
    public func lead(_ source: TopicPartition, by broker: Int32?) {
        rd_kafka_mock_partition_set_leader(pointer, source.topic, source.partition, broker ?? -1)
    }

    /// The next requests of this kind are answered with these errors.
    public func refuse(_ request: Request, with errors: [rd_kafka_resp_err_t]) {
        rd_kafka_mock_push_request_errors_array(pointer, request.rawValue, errors.count, errors)
    }

    /// From now on every answer comes so much later.
    public func delay(by milliseconds: Int32) { rd_kafka_mock_broker_set_rtt(pointer, -1, milliseconds) }

    /// From now on this broker, counted from 1, coordinates the group.
    public func coordinate(group: String, by broker: Int32) {
        rd_kafka_mock_coordinator_set(pointer, "group", group, broker)
    }
}
