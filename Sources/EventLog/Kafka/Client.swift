import CRdKafka
import EventLog
import Foundation

/// A client instance of librdkafka's, destroyed with its owner.
///
/// Sendable, since librdkafka says that its functions may be called by any thread at the same time, and the pointer
/// never changes.
struct ClientHandle: ~Copyable, @unchecked Sendable {
    let pointer: OpaquePointer
    let context: ClientContext

    init(_ kind: rd_kafka_type_t, _ properties: ClientProperties, report: (@Sendable (Int, String) -> Void)?)
        throws(KafkaFault)
    {
        let configuration = try properties.configuration()
        let context = ClientContext(report: report)
        let opaque = Unmanaged.passRetained(context)
        rd_kafka_conf_set_opaque(configuration, opaque.toOpaque())
        ClientContext.install(in: configuration, for: kind)
        var words = [CChar](repeating: 0, count: 512)
        guard let pointer = rd_kafka_new(kind, configuration, &words, words.count) else {
            rd_kafka_conf_destroy(configuration)
            opaque.release()
            throw KafkaFault(.other, "kafka.properties do not go together: \(String(untilZeroIn: words))")
        }
        self.pointer = pointer
        self.context = context
    }

    deinit {
        // Better a client that idles until the process ends than a process that aborts.
        guard context.isDestructible else { return }
        // A consumer that is to leave its group was closed before; to close it here could wait for its owner.
        // It waits for librdkafka's threads, which is not for a thread that tasks share.
        let (address, opaque) = (
            Int(bitPattern: pointer), Int(bitPattern: Unmanaged.passUnretained(context).toOpaque())
        )
        Thread.detachNewThread {
            rd_kafka_destroy_flags(OpaquePointer(bitPattern: address), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
            guard let opaque = UnsafeRawPointer(bitPattern: opaque) else { return }
            Unmanaged<ClientContext>.fromOpaque(opaque).release()
        }
    }
}

/// A client that several threads share.
final class Client: Sendable {
    private let handle: ClientHandle

    init(
        _ kind: rd_kafka_type_t, _ properties: ClientProperties, report: (@Sendable (Int, String) -> Void)?
    ) throws(KafkaFault) {
        handle = try ClientHandle(kind, properties, report: report)
    }

    var pointer: OpaquePointer { handle.pointer }
    var context: ClientContext { handle.context }

    /// What its group knows this consumer by; empty where it is no member.
    var memberID: String {
        guard let words = rd_kafka_memberid(pointer) else { return "" }
        defer { rd_kafka_mem_free(pointer, words) }
        return String(cString: words)
    }
}
