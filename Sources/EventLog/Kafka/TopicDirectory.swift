import CRdKafka
import EventLog
import Synchronization

/// How many partitions each topic has, as the cluster last said.
final class TopicDirectory: Sendable {
    private let client: Client
    private let timeout: Int32
    private let known = Mutex<[String: Int32]>([:])
    private let turn = Mutex<UInt32>(0)

    init(_ client: Client, timeout: Duration) {
        self.client = client
        self.timeout = timeout.inMilliseconds
    }

    /// The topic's partitions. Asks the cluster, and blocks, where the topic is not known yet.
    func partitions(of topic: String) throws(KafkaFault) -> Int32 {
        if let count = known.withLock({ $0[topic] }) { return count }
        guard let count = try refresh()[topic] else {
            throw KafkaFault(.unknownTopic, "the cluster has no topic \(topic)")
        }
        return count
    }

    /// Every topic that is not the cluster's own.
    @discardableResult
    func refresh() throws(KafkaFault) -> [String: Int32] {
        let answer = try ask()
        defer { rd_kafka_metadata_destroy(answer) }
        let metadata = answer.pointee
        var counts: [String: Int32] = [:]
        for topic in UnsafeBufferPointer(start: metadata.topics, count: Int(metadata.topic_cnt))
        where topic.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            let name = String(cString: topic.topic)
            if !name.hasPrefix("__") { counts[name] = topic.partition_cnt }
        }
        let found = counts
        let before = known.withLock { known in
            defer { known = found }
            return known
        }
        for (topic, count) in before.sorted(by: { $0.key < $1.key }) {
            guard let now = found[topic], now > count else { continue }
            client.context.report?(
                4, "\(topic) has grown from \(count) to \(now) partitions: keys go to other ones from now on")
        }
        return found
    }

    /// Asks for a short time over and over: what the cluster refuses, such as a password, is told then, and at once.
    private func ask() throws(KafkaFault) -> UnsafePointer<rd_kafka_metadata> {
        let deadline = ContinuousClock.now + .milliseconds(Int(timeout))
        _ = client.context.takeFault()
        while true {
            var answer: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(client.pointer, 1, nil, &answer, min(timeout, 1000))
            if code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer { return answer }
            // Errors call back from here.
            rd_kafka_poll(client.pointer, 0)
            if let fault = client.context.takeFault() { throw fault }
            guard KafkaFault(code).kind == .busy, ContinuousClock.now < deadline else {
                // A listener that wants another security.protocol closes the connection without a word.
                let words = [String(cString: rd_kafka_err2str(code)), client.context.takeComplaint()].compactMap(\.self)
                throw KafkaFault(
                    code,
                    words.joined(separator: ": ")
                        + "; check kafka.brokers, and whether its listeners want another kafka.properties.security.protocol"
                )
            }
        }
    }

    func forget() { known.withLock { $0 = [:] } }

    /// Where a message goes: by its key as librdkafka does it, without a key to each partition in turn.
    func placement(of message: OutgoingMessage) throws(KafkaFault) -> Int32 {
        let count = try partitions(of: message.topic)
        guard message.key == nil else { return crdkafka_any_partition }
        let next = turn.withLock { turn in
            turn &+= 1
            return turn
        }
        return Int32(next % UInt32(max(count, 1)))
    }
}
