import MarketData
import Runtime

extension WriteSession {
    /// - Throws: a fault, before anything is written, where a message cannot be taken.
    func check(_ messages: [OutgoingMessage]) throws(Fault) {
        var checked: String?
        for message in messages {
            if message.topic != checked {
                _ = try declarations.topic(message.topic)
                checked = message.topic
            }
            let bytes = message.byteCount
            guard bytes <= options.settings.maximumMessageBytes else {
                throw Fault(
                    .messageTooLarge,
                    "a message of \(bytes) bytes to \(message.topic) is larger than \(options.settings.maximumMessageBytes)"
                )
            }
        }
    }

    /// Appends messages that were checked, in the running transaction.
    func append(_ messages: [OutgoingMessage]) throws(Fault) -> [LogPosition] {
        let now = options.clock.now().microseconds
        var positions: [LogPosition] = []
        positions.reserveCapacity(messages.count)
        var topic: Declarations.Topic?
        var keyless = 0
        for message in messages {
            if topic?.declaration.name != message.topic {
                if let topic { nextPartition[topic.declaration.name] = keyless }
                topic = try declarations.topic(message.topic)
                keyless = nextPartition[message.topic] ?? 0
            }
            guard let topic else { continue }
            let number: Int
            if let key = message.key {
                number = Partitioner.partition(of: key, among: topic.partitions.count)
            } else {
                number = keyless % topic.partitions.count
                keyless = number + 1
            }
            let tail = try tail(of: topic.partitions[number])
            // The wall clock may jump back; a partition's timestamps never do.
            tail.timestamp = max(tail.timestamp, now)
            try insert(message, at: tail)
            positions.append(
                LogPosition(
                    partition: TopicPartition(topic: message.topic, partition: Int32(number)), offset: tail.endOffset))
            tail.endOffset += 1
            tail.bytes += message.byteCount
        }
        if let topic { nextPartition[topic.declaration.name] = keyless }
        return positions
    }

    private func insert(_ message: OutgoingMessage, at tail: PartitionTail) throws(Fault) {
        let statement = tail.insert
        statement.bind(1, tail.endOffset)
        statement.bind(2, tail.timestamp)
        try withBytes(of: message.key) { key throws(Fault) in
            try withBytes(of: message.value) { value throws(Fault) in
                try withBytes(of: HeaderCoding.encode(message.headers)) { headers throws(Fault) in
                    statement.bind(3, borrowed: key)
                    statement.bind(4, borrowed: value)
                    statement.bind(5, borrowed: headers)
                    _ = try statement.step()
                    statement.reset()
                }
            }
        }
    }

    private func withBytes(
        of array: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws(Fault) -> Void
    ) throws(Fault) {
        guard let array else { return try body(nil) }
        try array.withUnsafeBufferPointer { bytes throws(Fault) in try body(UnsafeRawBufferPointer(bytes)) }
    }

    /// The partition's end, read anew in each transaction: another process may have appended since the last.
    private func tail(of partition: Int64) throws(Fault) -> PartitionTail {
        if let tail = tails[partition] { return tail }
        let insert = try statements["INSERT INTO messages_\(partition) VALUES (?, ?, ?, ?, ?)"]
        let query = try statements["SELECT end_offset, last_timestamp, bytes FROM partitions WHERE id = ?"]
        let found = try query.first([.integer(partition)]) { row in
            PartitionTail(
                id: partition, insert: insert, endOffset: row.integer(0), timestamp: row.integer(1),
                bytes: Int(row.integer(2)))
        }
        guard let found else { throw Fault(.corrupt, "partition \(partition) is gone. \(Fault.advice)") }
        tails[partition] = found
        touched.append(found)
        return found
    }

    func saveTails() throws(Fault) {
        guard !touched.isEmpty else { return }
        let update = try statements[
            "UPDATE partitions SET end_offset = ?, last_timestamp = ?, bytes = ? WHERE id = ?"]
        for tail in touched {
            try update.run(
                .integer(tail.endOffset), .integer(tail.timestamp), .integer(Int64(tail.bytes)), .integer(tail.id))
        }
    }
}

extension OutgoingMessage {
    /// The lengths of key, value and headers together.
    var byteCount: Int {
        var count = (key?.count ?? 0) + (value?.count ?? 0)
        for header in headers { count += header.name.utf8.count + header.value.count }
        return count
    }
}
