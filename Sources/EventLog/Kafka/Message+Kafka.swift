import CRdKafka
import EventLog
import MarketData

extension RecordBatch {
    /// Takes in a message that was read, byte by byte.
    ///
    /// - Parameter headers: its own (``headers(of:)``).
    mutating func append(_ message: UnsafeMutablePointer<rd_kafka_message_t>, headers: [Header]) {
        let read = message.pointee
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let milliseconds = rd_kafka_message_timestamp(message, &kind)
        append(
            offset: read.offset, timestamp: Instant(microseconds: max(0, milliseconds) * 1000),
            key: read.key.map { UnsafeRawBufferPointer(start: $0, count: read.key_len) },
            value: read.payload.map { UnsafeRawBufferPointer(start: $0, count: read.len) },
            headers: headers)
    }

    static func headers(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> [Header] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else { return [] }
        var headers: [Header] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var length = 0
        while rd_kafka_header_get_all(list, headers.count, &name, &value, &length) == RD_KAFKA_RESP_ERR_NO_ERROR,
            let name
        {
            headers.append(
                Header(
                    name: String(cString: name),
                    value: value.map { Array(UnsafeRawBufferPointer(start: $0, count: length)) } ?? []))
        }
        return headers
    }
}

extension OutgoingMessage {
    /// What the message's key, value and headers weigh.
    var weight: Int {
        (key?.count ?? 0) + (value?.count ?? 0) + headers.byteCount
    }

    func checkSize(atMost limit: Int) throws(KafkaFault) {
        guard weight > limit else { return }
        throw KafkaFault(.messageTooLarge, "a message to \(topic) has \(weight) bytes of \(limit)")
    }

    /// Puts the message into the client's queue.
    func produce(to client: OpaquePointer, partition: Int32, number: Int) -> rd_kafka_resp_err_t {
        let list = headers.isEmpty ? nil : rd_kafka_headers_new(headers.count)
        for header in headers {
            header.value.withOptionalBytes { bytes in
                _ = rd_kafka_header_add(
                    list, header.name, header.name.utf8.count, bytes.baseAddress, bytes.count)
            }
        }
        let code = key.withOptionalBytes { key in
            value.withOptionalBytes { value in
                crdkafka_produce(
                    client, topic, partition, key.baseAddress, key.count, value.baseAddress, value.count, list,
                    UnsafeMutableRawPointer(bitPattern: number))
            }
        }
        if code != RD_KAFKA_RESP_ERR_NO_ERROR, let list { rd_kafka_headers_destroy(list) }
        return code
    }
}

extension [UInt8] {
    /// librdkafka tells no bytes from none at all by the address, which has to be there for the former.
    fileprivate func withOptionalBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard isEmpty else { return withUnsafeBytes(body) }
        return Swift.withUnsafeBytes(of: 0 as UInt8) { body(UnsafeRawBufferPointer(start: $0.baseAddress, count: 0)) }
    }
}

extension Optional<[UInt8]> {
    fileprivate func withOptionalBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case nil: body(UnsafeRawBufferPointer(start: nil, count: 0))
        case .some(let bytes): bytes.withOptionalBytes(body)
        }
    }
}
