import CRdKafka

/// As what a group knows a member at one moment: its id and the group's generation, which a commit names.
final class Membership {
    let pointer: OpaquePointer
    /// Asked for last: where it is still the one that a partition was assigned to, so are the id and the generation.
    let memberID: String

    /// - Throws: as of a group that is between two generations, where the consumer is no member now.
    init(_ consumer: Client) throws(KafkaFault) {
        let pointer = rd_kafka_consumer_group_metadata(consumer.pointer)
        memberID = consumer.memberID
        guard let pointer, !memberID.isEmpty else {
            if let pointer { rd_kafka_consumer_group_metadata_destroy(pointer) }
            throw KafkaFault(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, "the member is about to join its group again")
        }
        self.pointer = pointer
    }

    deinit { rd_kafka_consumer_group_metadata_destroy(pointer) }
}
