import CRdKafka
import Dispatch
import EventLog
import Synchronization

/// What a client's callbacks write into. It lives as long as the client: the client holds a reference of its own.
final class ClientContext: Sendable {
    struct Rebalance: Sendable {
        let isAssignment: Bool
        let isLoss: Bool
        let partitions: Set<TopicPartition>
    }

    struct Delivery: Sendable {
        let partition: Int32
        let offset: Offset
        let code: rd_kafka_resp_err_t
    }

    private struct State {
        var rebalances: [Rebalance] = []
        var deliveries: [Int: Delivery] = [:]
        var fault: KafkaFault?
        var complaint: String?
        var isClosing = false
        var awaitsFirstAssignment = false
        var isKept = false
    }

    private let state = Mutex(State())
    /// Signalled when a callback or a queue has news for the thread that serves the client.
    let news = DispatchSemaphore(value: 0)
    let report: (@Sendable (Int, String) -> Void)?

    init(report: (@Sendable (Int, String) -> Void)?) { self.report = report }

    func takeRebalances() -> [Rebalance] {
        state.withLock { state in
            defer { state.rebalances = [] }
            return state.rebalances
        }
    }

    /// What was delivered since the last call, by the message's number.
    func takeDeliveries() -> [Int: Delivery] {
        state.withLock { state in
            defer { state.deliveries = [:] }
            return state.deliveries
        }
    }

    /// The newest error that waiting will not mend, once.
    func takeFault() -> KafkaFault? {
        state.withLock { state in
            defer { state.fault = nil }
            return state.fault
        }
    }

    /// Why no broker was reached last, in librdkafka's words, once.
    func takeComplaint() -> String? {
        state.withLock { state in
            defer { state.complaint = nil }
            return state.complaint
        }
    }

    /// From now on rebalances are agreed to at once, as closing a consumer needs it.
    func beginClosing() { state.withLock { $0.isClosing = true } }

    func beginJoining() { state.withLock { $0.awaitsFirstAssignment = true } }

    /// librdkafka 2.0 aborts the process where a consumer is destroyed after it joined its group and before it was told
    /// its first assignment, be it of nothing.
    var awaitsFirstAssignment: Bool { state.withLock { $0.awaitsFirstAssignment } }

    /// The client idles until the process ends: it is in no state to be destroyed.
    func keepClient() { state.withLock { $0.isKept = true } }

    var isDestructible: Bool { state.withLock { !$0.awaitsFirstAssignment && !$0.isKept } }

    static func of(_ opaque: UnsafeMutableRawPointer?) -> ClientContext? {
        opaque.map { Unmanaged<ClientContext>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Hands the callbacks to librdkafka.
    static func install(in configuration: OpaquePointer, for kind: rd_kafka_type_t) {
        rd_kafka_conf_set_error_cb(configuration) { client, code, words, opaque in
            guard let client, let context = ClientContext.of(opaque) else { return }
            context.noteError(rd_kafka_resp_err_t(code), words.map { String(cString: $0) }, of: client)
        }
        rd_kafka_conf_set_log_cb(configuration) { client, severity, _, words in
            guard let client, let words, let context = ClientContext.of(rd_kafka_opaque(client)) else { return }
            context.report?(Int(severity), String(cString: words))
        }
        if kind == RD_KAFKA_PRODUCER {
            rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
                guard let message, let context = ClientContext.of(opaque) else { return }
                context.noteDelivery(of: message.pointee)
            }
        } else {
            rd_kafka_conf_set_rebalance_cb(configuration) { client, code, partitions, opaque in
                guard let client, let partitions, let context = ClientContext.of(opaque) else { return }
                context.noteRebalance(client, code, partitions)
            }
        }
    }

    private func noteError(_ code: rd_kafka_resp_err_t, _ words: String?, of client: OpaquePointer) {
        let fatal = code == RD_KAFKA_RESP_ERR__FATAL ? KafkaFault(fatalOf: client) : nil
        let fault = fatal ?? KafkaFault(code, words)
        if fatal == nil {
            // Brokers that cannot be reached are tried again without end, which librdkafka logs by itself; what they
            // refuse, they refuse again.
            guard fault.kind != .busy else {
                // The last to be told, which says less than the ones before.
                if code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN { state.withLock { $0.complaint = words } }
                return
            }
            report?(4, fault.cause)
        }
        state.withLock { $0.fault = fault }
        news.signal()
    }

    private func noteDelivery(of message: rd_kafka_message_t) {
        let delivery = Delivery(partition: message.partition, offset: message.offset, code: message.err)
        state.withLock { $0.deliveries[Int(bitPattern: message._private)] = delivery }
    }

    private func noteRebalance(
        _ client: OpaquePointer, _ code: rd_kafka_resp_err_t,
        _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
    ) {
        let isAssignment = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
        let rebalance = Rebalance(
            isAssignment: isAssignment, isLoss: !isAssignment && rd_kafka_assignment_lost(client) != 0,
            partitions: Set(PartitionList.partitions(partitions)))
        let agreesNow = state.withLock { state in
            if isAssignment { state.awaitsFirstAssignment = false }
            if !state.isClosing { state.rebalances.append(rebalance) }
            return state.isClosing
        }
        guard agreesNow else {
            news.signal()
            return
        }
        let error =
            isAssignment
            ? rd_kafka_incremental_assign(client, partitions) : rd_kafka_incremental_unassign(client, partitions)
        if let error { rd_kafka_error_destroy(error) }
    }
}
