import CRdKafka
import EventLog

/// Why a step against the cluster failed, before it is known what the step was part of.
struct KafkaFault: Error {
    let kind: LogError.Kind
    let cause: String
    var code = RD_KAFKA_RESP_ERR_NO_ERROR
    /// The client instance can do nothing any more.
    var isFatal = false
    /// librdkafka says that the same call may be made again.
    var isRetriable = false
    /// librdkafka says that the transaction has to be aborted.
    var requiresAbort = false
    /// Whether what was asked for happened is not known; the group's positions tell.
    var leavesDoubt = false
    /// The setting that is to blame, where one is.
    private(set) var setting: KafkaLogSettingsFault?

    init(_ kind: LogError.Kind, _ cause: String) {
        self.kind = kind
        self.cause = cause
    }

    init(_ fault: KafkaLogSettingsFault) {
        self.init(.other, fault.description)
        setting = fault
    }

    init(_ code: rd_kafka_resp_err_t, _ words: String? = nil) {
        self.init(Self.kind(of: code), Self.cause(of: code, words))
        self.code = code
    }

    /// Takes over and frees librdkafka's error.
    init(consuming error: OpaquePointer) {
        self.init(rd_kafka_error_code(error), String(cString: rd_kafka_error_string(error)))
        isFatal = rd_kafka_error_is_fatal(error) != 0
        isRetriable = rd_kafka_error_is_retriable(error) != 0
        requiresAbort = rd_kafka_error_txn_requires_abort(error) != 0
        rd_kafka_error_destroy(error)
    }

    /// What being fenced is told as where the cluster may have ended the transaction by itself.
    var asTimedOutTransaction: KafkaFault {
        var fault = KafkaFault(
            .busy, "the transaction was open for longer than its time-out, and the cluster ended it: \(cause)")
        fault.code = code
        fault.isFatal = true
        return fault
    }

    /// The error that the client cannot go on after, where it has one.
    init?(fatalOf client: OpaquePointer) {
        guard rd_kafka_fatal_error(client, nil, 0) != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        var words = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(client, &words, words.count)
        self.init(code, String(untilZeroIn: words))
        isFatal = true
    }

    func whileDoing(_ doing: String) -> LogError { LogError(kind, doing: doing, cause: cause) }

    /// The group no longer knows the member, or knows it by a later generation.
    var isOfGeneration: Bool {
        code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
    }

    private static func cause(of code: rd_kafka_resp_err_t, _ words: String?) -> String {
        let name = String(cString: rd_kafka_err2name(code))
        let words = words ?? String(cString: rd_kafka_err2str(code))
        let hints = [advice[code.rawValue], words.contains("SCRAM") ? ofOldSCRAM : nil].compactMap(\.self)
        return (["\(words) (\(name))"] + hints).joined(separator: ". ")
    }

    /// librdkafka before 2.6.1 sends its half of SCRAM's nonce twice, which Kafka 4 takes for a wrong password.
    static let ofOldSCRAM: String? =
        rd_kafka_version() < 0x0206_0100
        ? "librdkafka \(String(cString: rd_kafka_version_str())) cannot do SCRAM with Kafka 4: it needs 2.6.1" : nil

    private static let credentials =
        "Check the security.protocol, sasl.* and ssl.* settings under kafka.properties"

    private static let advice: [Int32: String] = [
        RD_KAFKA_RESP_ERR__AUTHENTICATION.rawValue: credentials,
        RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED.rawValue: credentials,
        RD_KAFKA_RESP_ERR__SSL.rawValue: credentials,
        RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT.rawValue:
            "Set log.lease to what the cluster takes: group.min.session.timeout.ms, 6 s by default, or more",
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED.rawValue: "The cluster's ACLs refuse the topic to this user",
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED.rawValue: "The cluster's ACLs refuse the group to this user",
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED.rawValue:
            "The cluster's ACLs refuse the transactional id to this user",
    ]

    static func kind(of code: rd_kafka_resp_err_t) -> LogError.Kind {
        switch code {
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
            .unknownTopic
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
            .messageTooLarge
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
            RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
            .fenced
        case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
            RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__RETRY,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
            .busy
        case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR: .cannotWrite
        case RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR__BAD_MSG: .corrupt
        case RD_KAFKA_RESP_ERR__DESTROY: .closed
        default: .other
        }
    }
}

extension String {
    /// What librdkafka wrote into a buffer of ours.
    init(untilZeroIn bytes: [CChar]) {
        self.init(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension Duration {
    /// Whole milliseconds, as librdkafka counts.
    var inMilliseconds: Int32 {
        Int32(clamping: components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
    }
}
