import CRdKafka
import EventLog

/// Where a group begins in its partitions, after pending transactions, as far as the cluster says it now.
struct StartingPositions {
    private(set) var committed: [TopicPartition: Offset] = [:]
    /// Where the group has never committed: the first offset that is kept.
    private(set) var first: [TopicPartition: Offset] = [:]
    private(set) var faults: [TopicPartition: KafkaFault] = [:]

    var known: [TopicPartition: Offset] { committed.merging(first) { committed, _ in committed } }

    /// A partition that cannot be read holds up the others for so long, in milliseconds.
    private static let patienceForOne: Int32 = 500

    /// Asks for each of them. Blocks.
    ///
    /// - Parameter patience: for all of them, in milliseconds.
    init(of partitions: Set<TopicPartition>, by member: Client, patience: Int32) {
        guard !partitions.isEmpty else { return }
        let deadline = ContinuousClock.now + .milliseconds(Int(patience))
        let list = PartitionList(partitions)
        let code = rd_kafka_committed(member.pointer, list.pointer, patience)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            faults = Dictionary(uniqueKeysWithValues: partitions.map { ($0, KafkaFault(code)) })
            return
        }
        // In any order: those that cannot be read are not to come before the same others each time.
        for element in PartitionList.elements(list.pointer).shuffled() {
            let partition = TopicPartition(element)
            do throws(KafkaFault) {
                guard element.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFault(element.err) }
                if element.offset >= 0 {
                    committed[partition] = element.offset
                } else {
                    let left = min((deadline - .now).inMilliseconds, Self.patienceForOne)
                    first[partition] = try member.firstOffset(of: partition, timeout: max(1, left))
                }
            } catch {
                faults[partition] = error
            }
        }
    }

    /// What keeps the member from the partitions that are left; nil where none is.
    var fault: KafkaFault? {
        guard let (partition, fault) = faults.min(by: { $0.key < $1.key }) else { return nil }
        let others = faults.count > 1 ? " and \(faults.count - 1) more" : ""
        // No more than this is amiss: the member is one still.
        let kind: LogError.Kind = [.unknownTopic, .other].contains(fault.kind) ? fault.kind : .busy
        return KafkaFault(kind, "the position of \(partition)\(others) cannot be read yet: \(fault.cause)")
    }
}
