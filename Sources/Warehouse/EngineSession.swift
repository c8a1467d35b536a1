import Foundation

/// A conversation with one engine process: a statement, its answer, the next statement. Blocks its caller.
///
/// The engine runs with `-bail`, so that the first error ends the process, and with it the open transaction: DuckDB
/// answers COMMIT in an aborted transaction without an error, which must not be taken for success.
struct EngineSession: ~Copyable {
    private var process: EngineProcess
    private let doing: String

    /// A line that no answer has: answers are JSON objects.
    private static let endOfAnswer = "-- end of answer --"

    init(_ engine: DuckDB, doing: String, handle: ProcessHandle, inheriting lock: Int32? = nil) throws(CatalogError) {
        self.doing = doing
        process = try EngineProcess(
            executable: engine.location.executable, arguments: engine.arguments + ["-jsonlines"],
            environment: engine.environment, handle: handle, inheriting: lock)
    }

    var processID: pid_t { process.id }

    /// Runs statements of ours, whose quotes and parentheses are closed.
    ///
    /// - Returns: the rows of all their answers.
    @discardableResult
    mutating func run(_ statements: String) throws(CatalogError) -> [Row] {
        var rows: [Row] = []
        let text = "\(statements)\n;\n.print \(Self.endOfAnswer)\n"
        let isAnswered = try process.exchange(text) { line throws(CatalogError) in
            if line.elementsEqual(Self.endOfAnswer.utf8) { return true }
            if !line.isEmpty { rows.append(try Row(jsonLine: line)) }
            return false
        }
        guard isAnswered else { throw failure() }
        return rows
    }

    /// Runs a script of anyone's, which may leave a quote open, and ends the conversation.
    mutating func finish(with script: String) throws(CatalogError) -> [Row] {
        var rows: [Row] = []
        _ = try process.exchange(script + "\n", closingInput: true) { line throws(CatalogError) in
            if !line.isEmpty { rows.append(try Row(jsonLine: line)) }
            return false
        }
        guard process.finish() == 0, process.diagnostics.isEmpty else { throw failure() }
        return rows
    }

    /// Ends the conversation; an open transaction is rolled back.
    mutating func close() { _ = process.finish() }

    private mutating func failure() -> CatalogError {
        let status = process.finish()
        return CatalogError(diagnostics: process.diagnostics, exitStatus: status, doing: doing)
    }
}

extension CatalogError {
    /// What the engine's words mean; they are all it tells.
    init(diagnostics: String, exitStatus: Int32, doing: String) {
        let words = diagnostics.trimmingCharacters(in: .whitespacesAndNewlines)
        guard exitStatus >= 0, !words.isEmpty else {
            let end = exitStatus < 0 ? "was ended by signal \(-exitStatus)" : "ended with code \(exitStatus)"
            self.init(.engine, doing: doing, cause: words.isEmpty ? "the engine \(end)" : "the engine \(end): \(words)")
            return
        }
        let kind = Self.meanings.first { $0.words.contains { words.contains($0) } }?.kind ?? .engine
        self.init(kind, doing: doing, cause: words + (kind == .unavailable ? Self.hint(for: words) : ""))
    }

    /// DuckLake's words where a database is there and no DuckLake in it.
    private static let noCatalog = "creating a new DuckLake is explicitly disabled"

    var isOfNoCatalog: Bool { cause.contains(Self.noCatalog) }

    /// What to look at where PostgreSQL does not let us in.
    private static func hint(for words: String) -> String {
        guard words.contains("Unable to connect to Postgres") else { return "" }
        let isLogin = ["password", "pg_hba.conf", "authentication", "role \""].contains { words.contains($0) }
        guard isLogin else { return "; see the setting catalog.metadata" }
        return "; see the settings catalog.metadata and catalog.password, or PGPASSWORD and ~/.pgpass"
    }

    /// What httpfs says of a store that refuses or does not answer: of the one in `HTTP Error: …`, of the other such as
    /// `IO Error: Timeout was reached error for HTTP GET to '…'`.
    private static let ofStores = ["HTTP Error", " error for HTTP "]

    /// Whether a store could not be asked, so that nothing is known of what it holds.
    var isOfSilentStore: Bool {
        Self.ofStores.contains { cause.contains($0) } && !cause.contains("(HTTP 404")
    }

    /// Whether it proves that a file that was to be added to a table is no Parquet, or has other columns. What else may
    /// be wrong as files are added is not the file's fault, or not for ever.
    var isOfFileItself: Bool {
        (kind == .sql && cause.contains("Invalid Input Error"))
            || (kind == .engine && cause.hasPrefix("Invalid Error: Failed to add data files"))
    }

    /// Whether a file is nowhere: the store, if it is another machine's, says so.
    var isOfAbsentFile: Bool { cause.contains("No files found that match") || cause.contains("(HTTP 404") }

    /// In the order of precedence: a message may hold several of these.
    private static let meanings: [(words: [String], kind: Kind)] = [
        (["file is not a database", "malformed", "File opened is not a database"], .corrupt),
        (
            [
                "database is locked", "onflict", "UNIQUE constraint", "database table is locked",
                // PostgreSQL's words: a turn that another writer has, and two that insert the same snapshot.
                "due to lock timeout", "violates unique constraint", "could not serialize access", "deadlock detected",
            ], .busy
        ),
        (
            [
                "readonly database", "read-only", "Permission denied", "unable to open database file",
                "No space left", "database or disk is full", "disk I/O error", "No files found", "Cannot open file",
                "Out of Memory", noCatalog, "Unable to connect to Postgres",
                "server closed the connection", "terminating connection", "could not receive data from server",
                "could not send data to server", "no connection to the server", "connection not open",
            ] + ofStores, .unavailable
        ),
        (
            [
                "Parser Error", "Binder Error", "Catalog Error", "Invalid Input Error", "Conversion Error",
                "Out of Range Error", "Constraint Error", "Not implemented Error", "Syntax Error",
            ], .sql
        ),
        // A disk, a mount or a limit of the system's, whatever it says.
        (["IO Error"], .unavailable),
    ]
}
