/// The topics and partitions of a log, as a connection last read them. A topic's partitions never change.
struct Declarations {
    struct Topic {
        let id: Int64
        let declaration: TopicDeclaration
        /// The partitions' ids in the file, by their numbers.
        let partitions: [Int64]
    }

    /// Counts the declarations made in the file; another number there means that these are old.
    private(set) var revision: Int64 = -1
    private(set) var topics: [String: Topic] = [:]
    private(set) var sources: [Int64: TopicPartition] = [:]

    func topic(_ name: String) throws(Fault) -> Topic {
        guard let topic = topics[name] else {
            throw Fault(.unknownTopic, "\(name) was never declared")
        }
        return topic
    }

    func partition(_ source: TopicPartition) throws(Fault) -> Int64 {
        let topic = try topic(source.topic)
        guard topic.partitions.indices.contains(Int(source.partition)) else {
            throw Fault(.unknownTopic, "\(source.topic) has no partition \(source.partition)")
        }
        return topic.partitions[Int(source.partition)]
    }

    /// Reads them again where the file's are newer.
    mutating func refresh(_ statements: StatementCache) throws(Fault) {
        let current = try statements["SELECT declarations FROM log"].first([]) { $0.integer(0) } ?? 0
        guard current != revision else { return }
        var partitions: [Int64: [Int64]] = [:]
        let ids = try statements["SELECT topic, id FROM partitions ORDER BY topic, number"].rows([]) {
            ($0.integer(0), $0.integer(1))
        }
        for (topic, id) in ids { partitions[topic, default: []].append(id) }
        topics = [:]
        sources = [:]
        let rows = try statements["SELECT id, name, compact, age, bytes FROM topics"].rows([]) {
            row throws(Fault) in
            let id = row.integer(0)
            return Topic(
                id: id,
                declaration: TopicDeclaration(
                    name: row.text(1), partitions: Int32(partitions[id]?.count ?? 0), retention: Self.retention(row)),
                partitions: partitions[id] ?? [])
        }
        for topic in rows {
            let name = topic.declaration.name
            topics[name] = topic
            for (number, id) in topic.partitions.enumerated() {
                sources[id] = TopicPartition(topic: name, partition: Int32(number))
            }
        }
        revision = current
    }

    private static func retention(_ row: Statement) -> Retention {
        guard row.integer(2) == 0 else { return Retention(.compact) }
        return Retention(
            .delete(
                age: row.isNull(3) ? nil : .microseconds(row.integer(3)),
                bytes: row.isNull(4) ? nil : Int(row.integer(4))))
    }
}

/// A connection and its prepared statements, by their text.
final class StatementCache {
    let connection: Connection
    private var statements: [String: Statement] = [:]

    init(_ connection: consuming Connection) { self.connection = connection }

    subscript(sql: String) -> Statement {
        get throws(Fault) {
            if let statement = statements[sql] { return statement }
            let statement = try connection.prepare(sql)
            statements[sql] = statement
            return statement
        }
    }
}
