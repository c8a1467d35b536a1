import MarketData

/// Removes what the topics' retention lets go, a bounded number of messages in a transaction, so that appends are never
/// held up for long. SQLite uses the freed pages again for what is appended next.
struct RetentionPass {
    let writer: Writer
    let reader: Reader
    /// nil where the time of day is not known: nothing is old then.
    let now: Instant?

    /// How many messages one transaction removes at most.
    static let step = 10_000

    func run() async throws(Fault) {
        let topics = try await reader.perform { session in Array(session.declarations.topics.values) }
        for topic in topics {
            for partition in topic.partitions {
                switch topic.declaration.retention.cleanup {
                case .compact: try await compact(partition)
                case .delete(let age, let bytes): try await trim(partition, age: age, bytes: bytes)
                }
            }
        }
    }

    private func trim(_ partition: Int64, age: Duration?, bytes: Int?) async throws(Fault) {
        let cutoff: Int64? = if let age, let now { now.microseconds - age.inMicroseconds } else { nil }
        guard cutoff != nil || bytes != nil else { return }
        while try await writer.perform({ session throws(Fault) in
            try session.trim(partition, olderThan: cutoff, toBytes: bytes, atMost: Self.step)
        }) {}
    }

    private func compact(_ partition: Int64) async throws(Fault) {
        // A message that a newer one supersedes stays superseded, so that they can be found before the write.
        let superseded = try await reader.perform { session throws(Fault) in try session.superseded(partition) }
        for start in stride(from: 0, to: superseded.count, by: Self.step) {
            let offsets = superseded[start..<min(start + Self.step, superseded.count)]
            try await writer.perform { session throws(Fault) in try session.remove(offsets, from: partition) }
        }
    }
}

extension ReadSession {
    /// The offsets of messages whose key a newer one has. Messages without a key are kept.
    func superseded(_ partition: Int64) throws(Fault) -> [Offset] {
        let query = try statements[
            "SELECT offset, key FROM messages_\(partition) WHERE key IS NOT NULL ORDER BY offset DESC"]
        defer { query.reset() }
        var newer: Set<[UInt8]> = []
        var offsets: [Offset] = []
        while try query.step() {
            guard let key = query.blob(1) else { continue }
            if !newer.insert(Array(key)).inserted { offsets.append(query.integer(0)) }
        }
        return offsets
    }
}

extension WriteSession {
    /// Removes the first messages of a partition, as far as every group that reads the topic has passed them and they
    /// are older than `cutoff` (microseconds) or beyond `limit` bytes.
    ///
    /// - Returns: whether there may be more to remove.
    func trim(_ partition: Int64, olderThan cutoff: Int64?, toBytes limit: Int?, atMost count: Int) throws(Fault)
        -> Bool
    {
        let kept = try statements["SELECT start_offset, start_bytes FROM partitions WHERE id = ?"]
            .first([.integer(partition)]) { ($0.integer(0), Int($0.integer(1))) }
        guard let (start, startBytes) = kept else { return false }
        let tail = try tail(of: partition)
        let passed = try passedByAllGroups(partition)
        let rows = try statements[
            """
            SELECT offset, timestamp, end_bytes FROM messages_\(partition)
            WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT ?
            """
        ].rows([.integer(start), .integer(passed), .integer(Int64(count))]) {
            ($0.integer(0), $0.integer(1), Int($0.integer(2)))
        }
        var (end, endBytes, removed) = (start, startBytes, 0)
        for (offset, timestamp, bytes) in rows {
            let isOld = cutoff.map { timestamp < $0 } ?? false
            let isBeyond = limit.map { tail.endBytes - endBytes > $0 } ?? false
            guard isOld || isBeyond else { break }
            (end, endBytes, removed) = (offset + 1, bytes, removed + 1)
        }
        guard removed > 0 else { return false }
        try statements["DELETE FROM messages_\(partition) WHERE offset < ?"].run(.integer(end))
        // Should none be left, this is how the partition's end is known.
        try statements[
            """
            UPDATE partitions SET start_offset = ?, start_bytes = ?, end_offset = ?, end_bytes = ?, last_timestamp = ?
            WHERE id = ?
            """
        ].run(
            .integer(end), .integer(Int64(endBytes)), .integer(tail.endOffset), .integer(Int64(tail.endBytes)),
            .integer(tail.timestamp), .integer(partition))
        return removed == count
    }

    /// The position that every group has reached that ever committed on the partition's topic, or was declared to read
    /// it; its end where there is none.
    private func passedByAllGroups(_ partition: Int64) throws(Fault) -> Offset {
        let query = try statements[
            """
            WITH here(topic) AS (SELECT topic FROM partitions WHERE id = ?1),
            readers_of_topic(name) AS (
                SELECT consumer_group FROM readers WHERE topic = (SELECT topic FROM here)
                UNION
                SELECT name FROM consumer_groups WHERE id IN
                    (SELECT consumer_group FROM positions WHERE committed = 1 AND partition IN
                        (SELECT id FROM partitions WHERE topic = (SELECT topic FROM here))))
            SELECT min(ifnull(position, 0)) FROM readers_of_topic
                LEFT JOIN consumer_groups USING (name)
                LEFT JOIN positions ON consumer_group = consumer_groups.id AND partition = ?1 AND committed = 1
            """]
        return try query.first([.integer(partition)]) { $0.isNull(0) ? .max : $0.integer(0) } ?? .max
    }

    func remove(_ offsets: ArraySlice<Offset>, from partition: Int64) throws(Fault) {
        let delete = try statements["DELETE FROM messages_\(partition) WHERE offset = ?"]
        for offset in offsets { try delete.run(.integer(offset)) }
    }
}
