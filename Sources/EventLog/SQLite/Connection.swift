import CSQLite

/// A connection to the log's file. It belongs to one thread.
struct Connection: ~Copyable {
    let handle: OpaquePointer
    let path: String
    private let busyWait: Duration
    /// SQLite tells the write-ahead log's length after each commit; this is where.
    private let walPages: UnsafeMutablePointer<Int32>

    enum Mode { case create, existing }

    /// Opens the file and sets what every connection of ours has in common.
    init(path: String, mode: Mode, busyWait: Duration) throws(Fault) {
        var opened: OpaquePointer?
        let flags =
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == .create ? SQLITE_OPEN_CREATE : 0)
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            let fault = Fault(
                code: opened.map { sqlite3_extended_errcode($0) } ?? code,
                message: String(cString: sqlite3_errstr(code)), path: path)
            sqlite3_close_v2(opened)
            throw fault
        }
        handle = opened
        self.path = path
        walPages = .allocate(capacity: 1)
        walPages.initialize(to: 0)
        sqlite3_extended_result_codes(handle, 1)
        self.busyWait = busyWait
        sqlite3_busy_timeout(handle, Self.milliseconds(busyWait))
        // SQLite before 3.51.3 may damage a write-ahead log that one connection writes to while another checkpoints.
        // No connection checkpoints by itself, then, not even its last close: the writer does, under the file lock.
        _ = csqlite_no_checkpoint_on_close(handle)
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            }, walPages)
    }

    deinit {
        // Statements that are still held keep the connection until they go.
        sqlite3_wal_hook(handle, nil, nil)
        sqlite3_close_v2(handle)
        walPages.deallocate()
    }

    /// The write-ahead log's length in pages after the last commit through this connection.
    var writeAheadLogPages: Int { Int(walPages.pointee) }

    /// Whether no transaction is open.
    var isIdle: Bool { sqlite3_get_autocommit(handle) != 0 }

    func prepare(_ sql: String) throws(Fault) -> Statement {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw fault(code) }
        return Statement(handle: prepared, connection: handle, path: path)
    }

    /// Runs statements that give no rows, or whose rows do not matter.
    func execute(_ sql: String) throws(Fault) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw fault(code) }
    }

    /// The first column of the first row, 0 where there is none.
    func integer(_ sql: String) throws(Fault) -> Int64 {
        let statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : 0
    }

    /// How many rows the last statement changed.
    var changes: Int { Int(sqlite3_changes64(handle)) }

    /// Moves what the write-ahead log has into the file, as far as readers let it. To have it start over, `restart`
    /// waits for them.
    func checkpoint(restart: Bool, waitingAtMost wait: Duration) throws(Fault) {
        sqlite3_busy_timeout(handle, Self.milliseconds(wait))
        defer { sqlite3_busy_timeout(handle, Self.milliseconds(busyWait)) }
        let mode = restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE
        let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
        guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else { throw fault(code) }
    }

    private static func milliseconds(_ duration: Duration) -> Int32 { Int32(clamping: duration.inMicroseconds / 1000) }

    private func fault(_ code: Int32) -> Fault {
        Fault(
            code: sqlite3_extended_errcode(handle), message: String(cString: sqlite3_errmsg(handle)), path: path)
    }
}
