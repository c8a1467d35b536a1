import CSQLite

/// A prepared statement: bind, step, read, reset. It belongs to its connection's thread.
final class Statement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer
    private let path: String

    init(handle: OpaquePointer, connection: OpaquePointer, path: String) {
        self.handle = handle
        self.connection = connection
        self.path = path
    }

    deinit { sqlite3_finalize(handle) }

    /// A value to bind, or read.
    enum Value {
        case null
        case integer(Int64)
        case text(String)
    }

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }

    /// Binds bytes that stay valid until the next `reset`.
    func bind(_ index: Int32, borrowed bytes: UnsafeRawBufferPointer?) {
        guard let bytes else {
            sqlite3_bind_null(handle, index)
            return
        }
        // A null address would bind NULL, and an empty array may have one.
        guard let address = bytes.baseAddress, !bytes.isEmpty else {
            sqlite3_bind_zeroblob(handle, index, 0)
            return
        }
        sqlite3_bind_blob64(handle, index, address, UInt64(bytes.count), nil)
    }

    func bind(_ values: [Value]) {
        for (index, value) in zip(Int32(1)..., values) {
            switch value {
            case .null: sqlite3_bind_null(handle, index)
            case .integer(let number): sqlite3_bind_int64(handle, index, number)
            case .text(let text): csqlite_bind_text_copy(handle, index, text, Int32(text.utf8.count))
            }
        }
    }

    /// - Returns: whether there is a row.
    func step() throws(Fault) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let fault = Fault(
                code: sqlite3_extended_errcode(connection), message: String(cString: sqlite3_errmsg(connection)),
                path: path)
            sqlite3_reset(handle)
            throw fault
        }
    }

    func reset() { sqlite3_reset(handle) }

    /// Runs the statement to its end, for what it does.
    func run(_ values: Value...) throws(Fault) {
        bind(values)
        while try step() {}
        reset()
    }

    /// Every row, made by `read`.
    func rows<Row>(_ values: [Value], _ read: (Statement) throws(Fault) -> Row) throws(Fault) -> [Row] {
        bind(values)
        defer { reset() }
        var rows: [Row] = []
        while try step() { rows.append(try read(self)) }
        return rows
    }

    /// The first row, made by `read`; nil where there is none.
    func first<Row>(_ values: [Value], _ read: (Statement) throws(Fault) -> Row) throws(Fault) -> Row? {
        bind(values)
        defer { reset() }
        return try step() ? try read(self) : nil
    }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func text(_ column: Int32) -> String { sqlite3_column_text(handle, column).map { String(cString: $0) } ?? "" }

    /// The column's bytes, valid until the next `step` or `reset`; nil for NULL.
    func blob(_ column: Int32) -> UnsafeRawBufferPointer? {
        // SQLite gives a null address both for NULL and for an empty blob.
        guard let address = sqlite3_column_blob(handle, column) else {
            return isNull(column) ? nil : UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: address, count: Int(sqlite3_column_bytes(handle, column)))
    }
}
