import CRdKafka
import EventLog

/// Does to a cluster what no log does: removes messages and topics.
public final class Administrator {
    public struct Refused: Error {}

    private let client: OpaquePointer
    private let queue: OpaquePointer

    public init?(brokers: String) {
        let configuration = rd_kafka_conf_new()
        rd_kafka_conf_set(configuration, "bootstrap.servers", brokers, nil, 0)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0) else { return nil }
        self.client = client
        queue = rd_kafka_queue_new(client)
    }

    deinit {
        rd_kafka_queue_destroy(queue)
        rd_kafka_destroy(client)
    }

    public func deleteRecords(before offsets: [TopicPartition: Offset]) throws {
        let list = rd_kafka_topic_partition_list_new(Int32(offsets.count))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for (source, offset) in offsets {
            rd_kafka_topic_partition_list_add(list, source.topic, source.partition).pointee.offset = offset
        }
        var request = rd_kafka_DeleteRecords_new(list)
        defer { rd_kafka_DeleteRecords_destroy(request) }
        rd_kafka_DeleteRecords(client, &request, 1, nil, queue)
        let event = rd_kafka_queue_poll(queue, 30_000)
        defer { if let event { rd_kafka_event_destroy(event) } }
        guard let event, rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR else { throw Refused() }
    }

    /// The names of the topics that begin so.
    public func topics(startingWith prefix: String) -> [String] {
        var answer: UnsafePointer<rd_kafka_metadata>?
        guard rd_kafka_metadata(client, 1, nil, &answer, 30_000) == RD_KAFKA_RESP_ERR_NO_ERROR,
            let metadata = answer?.pointee
        else { return [] }
        defer { rd_kafka_metadata_destroy(answer) }
        return UnsafeBufferPointer(start: metadata.topics, count: Int(metadata.topic_cnt))
            .map { String(cString: $0.topic) }.filter { $0.hasPrefix(prefix) }
    }

    public func deleteTopics(startingWith prefix: String) {
        var requests = topics(startingWith: prefix).map { rd_kafka_DeleteTopic_new($0) }
        defer { for request in requests { rd_kafka_DeleteTopic_destroy(request) } }
        guard !requests.isEmpty else { return }
        rd_kafka_DeleteTopics(client, &requests, requests.count, nil, queue)
        if let event = rd_kafka_queue_poll(queue, 30_000) { rd_kafka_event_destroy(event) }
    }

    public func grow(_ topic: String, to partitions: Int) throws {
        var request = rd_kafka_NewPartitions_new(topic, partitions, nil, 0)
        defer { rd_kafka_NewPartitions_destroy(request) }
        rd_kafka_CreatePartitions(client, &request, 1, nil, queue)
        let event = rd_kafka_queue_poll(queue, 30_000)
        defer { if let event { rd_kafka_event_destroy(event) } }
        guard let event, rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR else { throw Refused() }
    }

    /// Groups with members stay.
    public func deleteGroups(_ names: [String]) {
        var requests = names.map { rd_kafka_DeleteGroup_new($0) }
        defer { for request in requests { rd_kafka_DeleteGroup_destroy(request) } }
        rd_kafka_DeleteGroups(client, &requests, requests.count, nil, queue)
        if let event = rd_kafka_queue_poll(queue, 30_000) { rd_kafka_event_destroy(event) }
    }
}
