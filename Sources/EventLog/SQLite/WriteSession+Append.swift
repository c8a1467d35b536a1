import MarketData
import Runtime

extension WriteSession {
    /// Appends messages, in the running transaction.
    ///
    /// - Throws: a fault, before anything is written, where a topic is unknown.
    func append(_ messages: [OutgoingMessage]) throws(Fault) -> [LogPosition] {
        try checkTopics(of: messages)
        let now = options.clock.now().microseconds
        var positions: [LogPosition] = []
        positions.reserveCapacity(messages.count)
        while positions.count < messages.count { try appendRun(of: messages, at: now, to: &positions) }
        return positions
    }

    private func checkTopics(of messages: [OutgoingMessage]) throws(Fault) {
        var checked: String?
        for index in messages.indices where messages[index].topic != checked {
            checked = messages[index].topic
            _ = try declarations.topic(messages[index].topic)
        }
    }

    /// Appends the next messages as far as they are of one topic.
    private func appendRun(
        of messages: [OutgoingMessage], at now: Int64, to positions: inout [LogPosition]
    ) throws(Fault) {
        let name = messages[positions.count].topic
        let partitions = try declarations.topic(name).partitions
        var keyless = nextPartition[name] ?? 0
        var index = positions.count
        while index < messages.count, messages[index].topic == name {
            let number: Int
            if let key = messages[index].key {
                number = Partitioner.partition(of: key, among: partitions.count)
            } else {
                number = keyless % partitions.count
                keyless = number + 1
            }
            let tail = try tail(of: partitions[number])
            positions.append(
                LogPosition(
                    partition: TopicPartition(topic: name, partition: Int32(number)),
                    offset: tail.endOffset + Offset(tail.pending.count)))
            tail.pending.append(index)
            if tail.pending.count == Self.rowsOfAnInsert { try insertPending(messages, at: tail, now) }
            index += 1
        }
        nextPartition[name] = keyless
        for partition in partitions {
            if let tail = tails[partition], !tail.pending.isEmpty { try insertPending(messages, at: tail, now) }
        }
    }

    /// Starting a statement costs SQLite as much as a small row does, so that one inserts several rows where it can.
    private static let rowsOfAnInsert = 8

    private func insertPending(_ messages: [OutgoingMessage], at tail: PartitionTail, _ now: Int64) throws(Fault) {
        // The wall clock may jump back; a partition's timestamps never do.
        tail.timestamp = max(tail.timestamp, now)
        if tail.pending.count == Self.rowsOfAnInsert {
            let insert = try tail.insert(rows: Self.rowsOfAnInsert)
            try bindAndStep(insert, messages, tail.pending[...], row: 0, at: tail)
        } else {
            let insert = try tail.insert(rows: 1)
            for index in tail.pending.indices {
                try bindAndStep(insert, messages, tail.pending[index...index], row: 0, at: tail)
            }
        }
        tail.pending.removeAll(keepingCapacity: true)
    }

    /// Binds one row inside the other, so that the bytes of all stay where they are until the statement has run.
    private func bindAndStep(
        _ insert: Statement, _ messages: [OutgoingMessage], _ pending: ArraySlice<Int>, row: Int32,
        at tail: PartitionTail
    ) throws(Fault) {
        guard let index = pending.first else {
            _ = try insert.step()
            return insert.reset()
        }
        let first = row * 6
        tail.endBytes += messages[index].byteCount
        insert.bind(first + 1, tail.endOffset)
        insert.bind(first + 2, tail.timestamp)
        insert.bind(first + 3, Int64(tail.endBytes))
        tail.endOffset += 1
        try withBytes(of: messages[index].key) { key throws(Fault) in
            try withBytes(of: messages[index].value) { value throws(Fault) in
                try withBytes(of: HeaderCoding.encode(messages[index].headers)) { headers throws(Fault) in
                    insert.bind(first + 4, borrowed: key)
                    insert.bind(first + 5, borrowed: value)
                    insert.bind(first + 6, borrowed: headers)
                    try bindAndStep(insert, messages, pending.dropFirst(), row: row + 1, at: tail)
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

    /// The partition's end: that of its last message, or what retention left written down.
    func tail(of partition: Int64) throws(Fault) -> PartitionTail {
        if let tail = tails[partition] { return tail }
        let make = { [statements] (row: Statement) in
            PartitionTail(
                id: partition, statements: statements, endOffset: row.integer(0), endBytes: Int(row.integer(1)),
                timestamp: row.integer(2))
        }
        let last = try statements[
            "SELECT offset + 1, end_bytes, timestamp FROM messages_\(partition) ORDER BY offset DESC LIMIT 1"
        ].first([], make)
        let kept = try statements["SELECT end_offset, end_bytes, last_timestamp FROM partitions WHERE id = ?"]
            .first([.integer(partition)], make)
        guard let tail = last ?? kept else {
            throw Fault(.corrupt, "partition \(partition) is gone. \(Fault.advice)")
        }
        tails[partition] = tail
        return tail
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

extension [OutgoingMessage] {
    /// The lengths of all messages together.
    ///
    /// - Throws: a fault where one is larger than `limit`.
    func weight(ofAtMost limit: Int) throws(Fault) -> Int {
        var weight = 0
        for index in indices {
            let bytes = self[index].byteCount
            guard bytes <= limit else {
                throw Fault(
                    .messageTooLarge, "a message of \(bytes) bytes to \(self[index].topic) is larger than \(limit)")
            }
            weight += bytes
        }
        return weight
    }
}
