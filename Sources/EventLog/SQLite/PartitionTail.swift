/// The end of a partition, kept between transactions for as long as no other process writes.
final class PartitionTail {
    let id: Int64
    var endOffset: Offset
    /// The lengths of all messages that the partition ever had.
    var endBytes: Int
    var timestamp: Int64
    /// The messages, by their indices, that are to be inserted next.
    var pending: [Int] = []
    private let statements: StatementCache
    private var inserts: [Int: Statement] = [:]

    init(id: Int64, statements: StatementCache, endOffset: Offset, endBytes: Int, timestamp: Int64) {
        self.id = id
        self.statements = statements
        self.endOffset = endOffset
        self.endBytes = endBytes
        self.timestamp = timestamp
    }

    /// The statement that inserts so many messages.
    func insert(rows: Int) throws(Fault) -> Statement {
        if let insert = inserts[rows] { return insert }
        let values = Array(repeating: "(?, ?, ?, ?, ?, ?)", count: rows).joined(separator: ", ")
        let insert = try statements["INSERT INTO messages_\(id) VALUES \(values)"]
        inserts[rows] = insert
        return insert
    }
}
