import CRdKafka
import EventLog
import Foundation

/// What is asked of the cluster outside of any group. Each call blocks; all are made by one thread.
final class Observer {
    let client: Client
    let directory: TopicDirectory
    let written: OwnWrites
    let settings: KafkaLogSettings
    /// By the group whose positions they ask for.
    private var readers: [String: Client] = [:]

    init(_ client: Client, _ directory: TopicDirectory, _ written: OwnWrites, _ settings: KafkaLogSettings) {
        self.client = client
        self.directory = directory
        self.written = written
        self.settings = settings
    }

    var timeout: Int32 { settings.requestTimeout.inMilliseconds }

    /// The first kept offset, and the end of what readers of committed messages may see.
    func watermarks(of source: TopicPartition) throws(KafkaFault) -> Watermarks {
        try written.watermarks(of: source, by: client, patience: settings.requestTimeout)
    }

    func watermarks(of topic: String) throws(KafkaFault) -> [TopicPartition: Watermarks] {
        guard let count = try directory.refresh(of: [topic])[topic] else {
            throw KafkaFault(.unknownTopic, "the cluster has no topic \(topic)")
        }
        var watermarks: [TopicPartition: Watermarks] = [:]
        for number in 0..<count {
            let source = TopicPartition(topic: topic, partition: number)
            watermarks[source] = try self.watermarks(of: source)
        }
        return watermarks
    }

    /// The group's positions in these topics, once no transaction that may change them is pending.
    func committed(group: String, topics: Set<String>) throws(KafkaFault) -> [TopicPartition: Offset] {
        let counts = try directory.refresh(of: topics)
        var partitions: Set<TopicPartition> = []
        for topic in topics {
            guard let count = counts[topic] else {
                throw KafkaFault(.unknownTopic, "the cluster has no topic \(topic)")
            }
            partitions.formUnion((0..<count).map { TopicPartition(topic: topic, partition: $0) })
        }
        guard !partitions.isEmpty else { return [:] }
        let reader = try reader(of: group)
        let deadline = ContinuousClock.now + settings.requestTimeout
        while true {
            do throws(KafkaFault) {
                return try reader.committed(partitions, timeout: min(timeout, 1000))
            } catch {
                // Errors call back from here; what the cluster refuses is told at once.
                rd_kafka_poll(reader.pointer, 0)
                if let refused = reader.context.takeFault() { throw refused }
                guard error.kind == .busy, ContinuousClock.now < deadline else { throw error }
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
    }

    /// A client of the group's own, which follows the group's coordinator. librdkafka 2.0's administrative request for a
    /// group's positions stays with a coordinator that is none any more, and where that says so, ends the process by a
    /// bad address.
    private func reader(of group: String) throws(KafkaFault) -> Client {
        if let reader = readers[group] { return reader }
        let reader = try Client(
            RD_KAFKA_CONSUMER, .positions(settings, group: group), report: settings.report)
        readers[group] = reader
        return reader
    }

    /// Makes a request of librdkafka's administrative interface and waits for its answer.
    func ask<Answer>(
        _ operation: rd_kafka_admin_op_t,
        _ start: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void,
        read: (_ event: OpaquePointer) throws(KafkaFault) -> Answer
    ) throws(KafkaFault) -> Answer {
        let options = rd_kafka_AdminOptions_new(client.pointer, operation)
        let queue = rd_kafka_queue_new(client.pointer)
        defer {
            rd_kafka_queue_destroy(queue)
            rd_kafka_AdminOptions_destroy(options)
        }
        var words = [CChar](repeating: 0, count: 256)
        rd_kafka_AdminOptions_set_request_timeout(options, timeout, &words, words.count)
        start(options, queue)
        guard let event = rd_kafka_queue_poll(queue, timeout + 5000) else {
            throw KafkaFault(RD_KAFKA_RESP_ERR__TIMED_OUT)
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaFault(code, rd_kafka_event_error_string(event).map { String(cString: $0) })
        }
        return try read(event)
    }
}

extension Client {
    /// The positions of this member's group, after pending transactions; those never committed are absent.
    func committed(_ partitions: Set<TopicPartition>, timeout: Int32) throws(KafkaFault) -> [TopicPartition: Offset] {
        let list = PartitionList(partitions)
        let code = rd_kafka_committed(pointer, list.pointer, timeout)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFault(code) }
        return try PartitionList.offsets(list.pointer)
    }

    /// Learns where partitions are now; nothing where no broker answers.
    func refreshMetadata() {
        var answer: UnsafePointer<rd_kafka_metadata>?
        guard rd_kafka_metadata(pointer, 1, nil, &answer, 1000) == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        rd_kafka_metadata_destroy(answer)
    }

    func watermarks(of source: TopicPartition, timeout: Int32) throws(KafkaFault) -> Watermarks {
        let deadline = ContinuousClock.now + .milliseconds(Int(timeout))
        let start = try firstOffset(of: source, timeout: timeout)
        let left = max(1, (deadline - .now).inMilliseconds)
        return Watermarks(start: start, end: try offset(of: source, at: crdkafka_last_offset, timeout: left))
    }

    func firstOffset(of source: TopicPartition, timeout: Int32) throws(KafkaFault) -> Offset {
        try offset(of: source, at: crdkafka_first_offset, timeout: timeout)
    }

    /// Asked for as of a time, which these are to Kafka as well: librdkafka 2.0's own call for watermarks waits for the
    /// answer of a broker that gives none, whatever the time-out (its issue 4460).
    private func offset(of source: TopicPartition, at logical: Int64, timeout: Int32) throws(KafkaFault) -> Offset {
        let list = PartitionList([source: logical])
        let code = rd_kafka_offsets_for_times(pointer, list.pointer, timeout)
        let answer = list.pointer.pointee.elems[0]
        let errors = [code, answer.err].filter { $0 != RD_KAFKA_RESP_ERR_NO_ERROR }
        guard errors.isEmpty, answer.offset >= 0 else {
            // Of a partition without a leader it says so beside this, which it says of all that it cannot ask for.
            let error = errors.first { $0 != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION } ?? errors.first
            throw context.takeFault() ?? KafkaFault(error ?? RD_KAFKA_RESP_ERR__TIMED_OUT)
        }
        return answer.offset
    }
}
