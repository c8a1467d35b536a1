import MarketData

/// A connection that only reads. It lives on the reader's thread.
final class ReadSession {
    let statements: StatementCache
    var declarations = Declarations()

    init(path: String, busyWait: Duration) throws(Fault) {
        let connection = try Connection(path: path, mode: .existing, busyWait: busyWait)
        try connection.execute("PRAGMA query_only = ON; PRAGMA cache_size = -8192")
        statements = StatementCache(connection)
    }

    /// Runs `body` on one state of the log, however long it takes.
    func snapshot<Result>(_ body: (ReadSession) throws(Fault) -> Result) throws(Fault) -> Result {
        try statements["BEGIN"].run()
        do throws(Fault) {
            try declarations.refresh(statements)
            let result = try body(self)
            try statements["COMMIT"].run()
            return result
        } catch {
            if !statements.connection.isIdle { try? statements.connection.execute("ROLLBACK") }
            throw error
        }
    }

    func watermarks(of partition: Int64) throws(Fault) -> Watermarks {
        let query = try statements[
            """
            SELECT start_offset, ifnull((SELECT max(offset) + 1 FROM messages_\(partition)), end_offset)
            FROM partitions WHERE id = ?
            """]
        let found = try query.first([.integer(partition)]) { Watermarks(start: $0.integer(0), end: $0.integer(1)) }
        guard let found else { throw Fault(.corrupt, "partition \(partition) is gone. \(Fault.advice)") }
        return found
    }

    /// The messages from `start` up to and without `end`, at most `maximumBytes` of them, headers included, or one.
    func batch(
        _ source: TopicPartition, _ partition: Int64, from start: Offset, to end: Offset, maximumBytes: Int
    ) throws(Fault) -> RecordBatch {
        var batch = RecordBatch(source: source, startingAt: start)
        guard start < end else { return batch }
        let query = try statements[
            "SELECT offset, timestamp, key, value, headers FROM messages_\(partition) WHERE offset >= ? AND offset < ?"
                + " ORDER BY offset"]
        query.bind(1, start)
        query.bind(2, end)
        defer { query.reset() }
        let maximumRecords = RecordBatch.maximumRecords(ofBytes: maximumBytes)
        while try query.step() {
            let key = query.blob(2)
            let value = query.blob(3)
            let headers = query.blob(4)
            let bytes = (key?.count ?? 0) + (value?.count ?? 0) + (headers?.count ?? 0)
            let isFull = batch.byteCount + bytes > maximumBytes || batch.records.count >= maximumRecords
            if isFull, !batch.records.isEmpty { return batch }
            batch.append(
                offset: query.integer(0), timestamp: Instant(microseconds: query.integer(1)), key: key, value: value,
                headers: try HeaderCoding.decode(headers))
        }
        // Compaction may have removed what is between the last record and the end.
        batch.nextOffset = end
        return batch
    }

    func committed(group: String, topics: Set<String>) throws(Fault) -> [TopicPartition: Offset] {
        for topic in topics { _ = try declarations.topic(topic) }
        let query = try statements[
            """
            SELECT partition, position FROM positions JOIN consumer_groups ON consumer_groups.id = consumer_group
            WHERE name = ? AND committed = 1
            """]
        var positions: [TopicPartition: Offset] = [:]
        for (partition, position) in try query.rows([.text(group)], { ($0.integer(0), $0.integer(1)) }) {
            if let source = declarations.sources[partition], topics.contains(source.topic) {
                positions[source] = position
            }
        }
        return positions
    }
}
