import JSON
import Synchronization

/// A catalog's metadata in a schema of a PostgreSQL database, for processes of several machines.
///
/// Writers take turns by an advisory lock, held by the engine's own process: the server lets the next one have it as
/// soon as that process has ended, and in the order of asking. Optimistic writers alone, on the row that all of them
/// change, took three times as long where four wrote at once.
struct PostgresMetadata: Metadata {
    let server: PostgresServer
    let data: String

    init(server: PostgresServer, folder: String) { self.init(server: server, schema: server.schema, folder: folder) }

    private let schema: String
    private let folder: String

    private init(server: PostgresServer, schema: String, folder: String) {
        self.server = server
        self.schema = schema
        self.folder = folder
        data = "\(folder)/data/"
    }

    var name: String { "\(server.uri) (schema \(schema))" }
    var tables: String { "__ducklake_metadata_lake.\(schema)" }
    var replacement: any Metadata { PostgresMetadata(server: server, schema: "\(schema)_new", folder: folder) }

    func attachment(for access: MetadataAccess, engine: DuckDB, patience: Patience) -> String {
        var options = ["METADATA_SCHEMA \(SQL.literal(schema))"]
        var uri = server.uri
        switch access {
        case .read(let snapshot):
            options += ["READ_ONLY", "CREATE_IF_NOT_EXISTS false"]
            if let snapshot { options.append("SNAPSHOT_VERSION \(snapshot)") }
        case .write:
            options.append("CREATE_IF_NOT_EXISTS false")
            uri = server.uri(with: limits(patience))
        case .create:
            options.append("DATA_PATH \(SQL.literal(data))")
        }
        return engine.load("postgres_scanner") + "\nATTACH \(SQL.literal("ducklake:postgres:\(uri)")) AS lake "
            + "(\(options.joined(separator: ", ")));"
    }

    /// Only the engine can tell.
    func check() {}

    func exists(engine: DuckDB, patience: Patience) async throws(CatalogError) -> Bool {
        let question = "SELECT to_regclass('\(schema).ducklake_metadata') IS NOT NULL AS there"
        let rows = try await engine.run(
            attachServer(as: "server", "READ_ONLY", engine: engine)
                + "SELECT there FROM postgres_query('server', \(SQL.literal(question)));",
            doing: "look for the catalog \(name)", within: patience.transaction)
        return rows.first?["there"]?.bool == true
    }

    func takeTurn(_ doing: String, engine: DuckDB, patience: Patience) async throws(CatalogError) -> any Turn {
        let uri = server.uri(with: [(name: "lock_timeout", value: "\(patience.turn.wholeMilliseconds)")])
        let script =
            engine.preamble + engine.load("postgres_scanner")
            + "\nATTACH \(SQL.literal(uri)) AS turn (TYPE postgres);\nBEGIN;\n\(lock)"
        // No time limit: as long as it lives it has the turn.
        return try await onThread { handle throws(CatalogError) in
            var session = try EngineSession(engine, doing: doing, handle: handle)
            try session.run(script)
            return PostgresTurn(session)
        }
    }

    func takeTurnOfTransaction(_ doing: String, engine: DuckDB, patience: Patience) -> (any Turn)? { nil }

    /// DuckDB ends the transactions of a transaction's databases last begun first ended, so that the lake has committed
    /// before the lock is let go of; were it lost before, the row of `turn` would have one of two writers conflict.
    func beginning(engine: DuckDB, patience: Patience) -> String {
        "ATTACH \(SQL.literal(server.uri(with: limits(patience)))) AS turn (TYPE postgres, READ_ONLY);\nBEGIN;\n\(lock)"
    }

    func limit(of patience: Patience) -> Duration { patience.turn + patience.transaction }

    func remove(engine: DuckDB, patience: Patience) async throws(CatalogError) {
        let statement = "DROP SCHEMA IF EXISTS \(schema) CASCADE"
        _ = try await engine.run(
            attachServer(as: "server", engine: engine) + "CALL postgres_execute('server', \(SQL.literal(statement)));",
            doing: "remove the catalog \(name)", within: patience.transaction)
    }

    /// What was there is kept as the schema `<schema>_before`.
    func replace(by replacement: any Metadata, holding turn: any Turn) async throws(CatalogError) {
        guard let turn = turn as? PostgresTurn, let replacement = replacement as? PostgresMetadata else {
            throw CatalogError(.engine, doing: "replace the catalog \(name)", cause: "it is of another kind")
        }
        // In the transaction that has the turn: where the turn is lost, nothing is replaced.
        try await turn.finish(
            with: """
                CALL postgres_execute('turn', \(SQL.literal("""
                    DO $$ BEGIN
                        DROP SCHEMA IF EXISTS \(schema)_before CASCADE;
                        IF to_regnamespace('\(schema)') IS NOT NULL THEN
                            ALTER SCHEMA \(schema) RENAME TO \(schema)_before;
                        END IF;
                        ALTER SCHEMA \(replacement.schema) RENAME TO \(schema);
                    END $$
                    """)));
                COMMIT
                """)
    }

    private func attachServer(as name: String, _ options: String..., engine: DuckDB) -> String {
        engine.load("postgres_scanner")
            + "\nATTACH \(SQL.literal(server.uri)) AS \(name) (\((["TYPE postgres"] + options).joined(separator: ", ")));\n"
    }

    /// A writer that is frozen, or whose machine is cut off, loses its turn and its transaction.
    private func limits(_ patience: Patience) -> [(name: String, value: String)] {
        [
            (name: "lock_timeout", value: "\(patience.turn.wholeMilliseconds)"),
            (name: "idle_in_transaction_session_timeout", value: "\(patience.transaction.wholeMilliseconds)"),
        ]
    }

    private var lock: String {
        let statement = "SELECT pg_advisory_xact_lock(hashtextextended('pregao.turn.\(schema)', 0))::text"
        return "SELECT true AS taken FROM postgres_query('turn', \(SQL.literal(statement)));"
    }
}

/// The turn that an engine process of its own holds, apart from transactions.
private final class PostgresTurn: Turn {
    private let session: Mutex<EngineSession?>

    init(_ session: consuming EngineSession) { self.session = Mutex(session) }

    var descriptor: Int32? { nil }

    func finish(with statements: String) async throws(CatalogError) {
        try await onThread { [self] _ throws(CatalogError) in
            try session.withLock { session throws(CatalogError) in
                try session?.run(statements)
                session?.close()
                session = nil
            }
        }
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 { max(1, Int64(self / .milliseconds(1))) }
}
