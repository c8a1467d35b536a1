import JSON
import Synchronization

/// The turn that an engine process of its own holds, apart from transactions: an advisory lock of a transaction that is
/// open on the server for as long as the turn is held.
///
/// The server ends a transaction in which nothing is asked for too long, so that a process that is frozen, or whose disk
/// hangs, keeps nobody waiting for ever: who holds the turn asks as its work goes on. Whether the turn is still ours is
/// known by the same question.
final class PostgresTurn: Turn {
    private let session: Mutex<EngineSession?>
    private let handle: ProcessHandle
    private let doing: String
    private let key: String
    /// What the engine may take for an answer.
    private let limit: Duration
    /// The server's number for the session that holds the lock.
    private let holder: Int64

    /// Waits for the turn.
    ///
    /// - Parameters:
    ///   - session: of which the handle is; it has attached the server as `turn`.
    ///   - key: of the lock, by ``key(of:)``.
    init(
        _ session: consuming EngineSession, _ handle: ProcessHandle, of key: String, doing: String, limit: Duration
    ) throws(CatalogError) {
        self.key = key
        self.doing = doing
        self.handle = handle
        self.limit = limit
        try session.run("BEGIN;\n\(Self.taking(key))")
        let rows = try session.run(Self.asking("SELECT pg_backend_pid() AS holder"))
        guard let holder = rows.first?.integer("holder") else {
            throw CatalogError(.engine, doing: doing, cause: "the server does not number its session")
        }
        self.holder = holder
        self.session = Mutex(session)
    }

    /// What the writers to a schema take turns by.
    static func key(of schema: String) -> String { "hashtextextended('pregao.turn.\(schema)', 0)" }

    /// Waits for the lock, in the transaction of the database `turn`.
    static func taking(_ key: String) -> String {
        "SELECT true AS taken FROM postgres_query('turn', \(SQL.literal("SELECT pg_advisory_xact_lock(\(key))::text")));"
    }

    private static func asking(_ question: String) -> String {
        "SELECT * FROM postgres_query('turn', \(SQL.literal(question)));"
    }

    var descriptor: Int32? { nil }

    /// PostgreSQL's words for whether the turn is still ours, in whatever session they are asked.
    var isHeld: String {
        """
        EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = \(holder) \
        AND (classid::bigint << 32 | objid::bigint) = \(key))
        """
    }

    func confirm() throws(CatalogError) {
        let rows = try ask(Self.asking("SELECT \(isHeld) AS held"), isLast: false)
        guard rows.first?["held"]?.bool == true else { throw lost("the server does not know of it") }
    }

    /// Runs statements in the transaction that has the turn, and ends it: where the turn was lost, nothing is done.
    func finish(with statements: String) async throws(CatalogError) {
        try await onThread { [self] _ throws(CatalogError) in
            _ = try ask(statements, isLast: true)
        }
    }

    private func ask(_ statements: String, isLast: Bool) throws(CatalogError) -> [Row] {
        try session.withLock { session throws(CatalogError) in
            guard session != nil else { throw lost("it was lost before") }
            do throws(CatalogError) {
                let rows = try within(limit, ending: handle) { () throws(CatalogError) in
                    try session?.run(statements) ?? []
                }
                if isLast {
                    session?.close()
                    session = nil
                }
                return rows
            } catch {
                session = nil
                throw lost(error.cause)
            }
        }
    }

    private func lost(_ cause: String) -> CatalogError {
        CatalogError(
            .busy, doing: doing,
            cause: "the writers' turn was lost, as where the work stood still for long (catalog.timeout): \(cause)")
    }
}
