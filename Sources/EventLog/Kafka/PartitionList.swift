import CRdKafka
import EventLog

/// A list of partitions and offsets in librdkafka's form.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ offsets: [TopicPartition: Offset]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(offsets.count))
        for (source, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            rd_kafka_topic_partition_list_add(pointer, source.topic, source.partition).pointee.offset = offset
        }
    }

    init(_ partitions: some Sequence<TopicPartition>) {
        self.init(Dictionary(partitions.map { ($0, crdkafka_no_offset) }) { first, _ in first })
    }

    init(topics: [String]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(topics.count))
        for topic in topics { rd_kafka_topic_partition_list_add(pointer, topic, crdkafka_any_partition) }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    static func elements(_ list: UnsafePointer<rd_kafka_topic_partition_list_t>) -> [rd_kafka_topic_partition_t] {
        Array(UnsafeBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt)))
    }

    static func partitions(_ list: UnsafePointer<rd_kafka_topic_partition_list_t>) -> [TopicPartition] {
        elements(list).map(TopicPartition.init)
    }

    /// The offsets, where there are any.
    static func offsets(_ list: UnsafePointer<rd_kafka_topic_partition_list_t>) throws(KafkaFault)
        -> [TopicPartition: Offset]
    {
        var offsets: [TopicPartition: Offset] = [:]
        for element in elements(list) {
            guard element.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFault(element.err) }
            if element.offset >= 0 { offsets[TopicPartition(element)] = element.offset }
        }
        return offsets
    }
}

extension TopicPartition {
    init(_ element: rd_kafka_topic_partition_t) {
        self.init(topic: String(cString: element.topic), partition: element.partition)
    }
}
