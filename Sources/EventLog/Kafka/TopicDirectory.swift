import CRdKafka
import EventLog
import Foundation
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
    ///
    /// - Parameter stopping: ends the wait for a cluster that does not answer.
    func partitions(of topic: String, unless stopping: StopFlag? = nil) throws(KafkaFault) -> Int32 {
        if let count = known.withLock({ $0[topic] }) { return count }
        guard let count = try refresh(of: [topic], unless: stopping)[topic] else {
            throw KafkaFault(.unknownTopic, "the cluster has no topic \(topic)")
        }
        return count
    }

    /// Every topic that is not the cluster's own and that this user may see.
    ///
    /// - Parameter wanted: are waited for where they have no leader for now: such a one is there all the same, and its
    ///   partitions are not told.
    @discardableResult
    func refresh(of wanted: Set<String> = [], unless stopping: StopFlag? = nil) throws(KafkaFault) -> [String: Int32] {
        let deadline = ContinuousClock.now + .milliseconds(Int(timeout))
        while true {
            let answer = try ask(until: deadline, unless: stopping)
            defer { rd_kafka_metadata_destroy(answer) }
            let metadata = answer.pointee
            let topics = UnsafeBufferPointer(start: metadata.topics, count: Int(metadata.topic_cnt))
            let isSettling = topics.contains {
                KafkaFault.kind(of: $0.err) == .busy && wanted.contains(String(cString: $0.topic))
            }
            if isSettling, ContinuousClock.now < deadline, stopping?.isSet != true {
                Thread.sleep(forTimeInterval: 0.02)
                continue
            }
            var counts: [String: Int32] = [:]
            for topic in topics where topic.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                let name = String(cString: topic.topic)
                if !name.hasPrefix("__") { counts[name] = topic.partition_cnt }
            }
            return take(counts)
        }
    }

    private func take(_ found: [String: Int32]) -> [String: Int32] {
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
    private func ask(until deadline: ContinuousClock.Instant, unless stopping: StopFlag?) throws(KafkaFault)
        -> UnsafePointer<rd_kafka_metadata>
    {
        _ = client.context.takeFault()
        while true {
            var answer: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(client.pointer, 1, nil, &answer, min(timeout, 1000))
            if code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer { return answer }
            // Errors call back from here.
            rd_kafka_poll(client.pointer, 0)
            if let fault = client.context.takeFault() { throw fault }
            guard stopping?.isSet != true else { throw KafkaFault(.closed, "the log is closed") }
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
