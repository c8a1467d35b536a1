import CSQLite

/// The unavoidable work: batched inserts through SQLite alone, with the log's durability, page size and cache, and
/// nothing else of it.
struct BareInserts: ~Copyable {
    private let connection: OpaquePointer
    private let begin: OpaquePointer
    private let commit: OpaquePointer
    private let insert: OpaquePointer
    private var next: Int64 = 0

    /// - Parameter checkpointBytes: the write-ahead log is moved into the file when it is as long, as the log does.
    init(path: String, checkpointBytes: Int) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        precondition(sqlite3_open_v2(path, &opened, flags, nil) == SQLITE_OK)
        guard let opened else { preconditionFailure("out of memory") }
        connection = opened
        sqlite3_exec(
            connection,
            """
            PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = \(checkpointBytes / 8192);
            CREATE TABLE messages(offset INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key BLOB, value BLOB);
            """, nil, nil, nil)
        begin = Self.prepare("BEGIN IMMEDIATE", connection)
        commit = Self.prepare("COMMIT", connection)
        insert = Self.prepare("INSERT INTO messages VALUES (?, ?, ?, ?)", connection)
    }

    deinit {
        for statement in [begin, commit, insert] { sqlite3_finalize(statement) }
        sqlite3_close(connection)
    }

    /// Inserts `count` messages in one transaction.
    mutating func append(_ count: Int, key: [UInt8], value: [UInt8]) {
        run(begin)
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                for _ in 0..<count {
                    sqlite3_bind_int64(insert, 1, next)
                    sqlite3_bind_int64(insert, 2, 1_800_000_000_000_000)
                    sqlite3_bind_blob(insert, 3, key.baseAddress, Int32(key.count), nil)
                    sqlite3_bind_blob(insert, 4, value.baseAddress, Int32(value.count), nil)
                    run(insert)
                    next += 1
                }
            }
        }
        run(commit)
    }

    private func run(_ statement: OpaquePointer) {
        precondition(sqlite3_step(statement) == SQLITE_DONE)
        sqlite3_reset(statement)
    }

    private static func prepare(_ sql: String, _ connection: OpaquePointer) -> OpaquePointer {
        var prepared: OpaquePointer?
        precondition(sqlite3_prepare_v2(connection, sql, -1, &prepared, nil) == SQLITE_OK)
        guard let prepared else { preconditionFailure("no statement") }
        return prepared
    }
}
