import JSON

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
        let rows = try await ask(question, doing: "look for the catalog \(name)", engine, patience)
        if rows.first?["there"]?.bool == true { return true }
        try await checkPlace(engine: engine, patience: patience)
        return false
    }

    func checkPlace(engine: DuckDB, patience: Patience) async throws(CatalogError) {
        let doing = "look for the catalog \(name)"
        for schema in [schema, before, "\(schema)_new"] {
            let question = "SELECT \(Self.isForeign(schema)) AS \"foreign\""
            guard try await ask(question, doing: doing, engine, patience).first?["foreign"]?.bool == true else {
                continue
            }
            throw CatalogError(
                .refused, doing: doing,
                cause: "the database's schema \(schema) holds something else: the setting catalog.schema has to name"
                    + " one that is empty, or is not there yet, as are those named <it>_new and <it>_before")
        }
    }

    /// PostgreSQL's words for whether a schema has something in it and is no DuckLake.
    private static func isForeign(_ schema: String) -> String {
        """
        (to_regclass('\(schema).ducklake_metadata') IS NULL AND EXISTS (SELECT FROM pg_depend \
        WHERE refclassid = 'pg_namespace'::regclass AND refobjid = to_regnamespace('\(schema)')::oid))
        """
    }

    private func ask(_ question: String, doing: String, _ engine: DuckDB, _ patience: Patience)
        async throws(CatalogError) -> [Row]
    {
        try await engine.run(
            attachServer(as: "server", "READ_ONLY", engine: engine)
                + "SELECT * FROM postgres_query('server', \(SQL.literal(question)));",
            doing: doing, within: patience.transaction)
    }

    func takeTurn(_ doing: String, engine: DuckDB, patience: Patience) async throws(CatalogError) -> any Turn {
        // Each step of what is done in a turn has a limit of its own, the longest of which is a transaction's.
        let standstill = patience.turn + patience.transaction * 2
        let uri = server.uri(with: limits(patience, standstill: standstill))
        // Else it would see what others' schemas held when the turn began, however long ago.
        let script =
            engine.preamble + engine.load("postgres_scanner")
            + "\nATTACH \(SQL.literal(uri)) AS turn (TYPE postgres, ISOLATION_LEVEL 'READ COMMITTED');"
        return try await onThread(within: patience.turn + patience.transaction) { handle throws(CatalogError) in
            var session = try EngineSession(engine, doing: doing, handle: handle)
            try session.run(script)
            return try PostgresTurn(
                session, handle, of: PostgresTurn.key(of: schema), doing: doing, limit: patience.transaction)
        }
    }

    func takeTurnOfTransaction(_ doing: String, engine: DuckDB, patience: Patience) -> (any Turn)? { nil }

    /// DuckDB ends the transactions of a transaction's databases last begun first ended, so that the lake has committed
    /// before the lock is let go of; were it lost before, the row of `turn` would have one of two writers conflict.
    func beginning(engine: DuckDB, patience: Patience) -> String {
        "ATTACH \(SQL.literal(server.uri(with: limits(patience)))) AS turn (TYPE postgres, READ_ONLY);\nBEGIN;\n"
            + PostgresTurn.taking(PostgresTurn.key(of: schema))
    }

    func limit(of patience: Patience) -> Duration { patience.turn + patience.transaction }

    func remove(engine: DuckDB, patience: Patience, holding turn: any Turn) async throws(CatalogError) {
        // Asked for in the statement that removes it: no other writer has made one there meanwhile.
        let statement = """
            DO $$ BEGIN
                IF NOT \(try postgres(turn).isHeld) THEN RAISE EXCEPTION 'the turn was lost'; END IF;
                \(Self.refusal(of: schema))
                DROP SCHEMA IF EXISTS \(schema) CASCADE;
            END $$
            """
        _ = try await engine.run(
            attachServer(as: "server", engine: engine) + "CALL postgres_execute('server', \(SQL.literal(statement)));",
            doing: "remove the catalog \(name)", within: patience.transaction)
    }

    /// What was there is kept as the schema `<schema>_before`.
    func replace(by replacement: any Metadata, holding turn: any Turn) async throws(CatalogError) {
        let turn = try postgres(turn)
        guard let replacement = replacement as? PostgresMetadata else { throw otherKind }
        // In the transaction that has the turn: where the turn is lost, nothing is replaced.
        let statement = """
            DO $$ BEGIN
                \(Self.refusal(of: schema))
                \(Self.refusal(of: before))
                DROP SCHEMA IF EXISTS \(before) CASCADE;
                IF to_regnamespace('\(schema)') IS NOT NULL THEN
                    ALTER SCHEMA \(schema) RENAME TO \(before);
                END IF;
                ALTER SCHEMA \(replacement.schema) RENAME TO \(schema);
            END $$
            """
        try await turn.finish(with: "CALL postgres_execute('turn', \(SQL.literal(statement)));\nCOMMIT")
    }

    private var before: String { "\(schema)_before" }

    /// Of PL/pgSQL: ends what would put a schema of somebody else's aside.
    private static func refusal(of schema: String) -> String {
        "IF \(isForeign(schema)) THEN RAISE EXCEPTION 'the schema \(schema) holds something else'; END IF;"
    }

    private func postgres(_ turn: any Turn) throws(CatalogError) -> PostgresTurn {
        guard let turn = turn as? PostgresTurn else { throw otherKind }
        return turn
    }

    private var otherKind: CatalogError {
        CatalogError(.engine, doing: "replace the catalog \(name)", cause: "it is of another kind")
    }

    private func attachServer(as name: String, _ options: String..., engine: DuckDB) -> String {
        engine.load("postgres_scanner")
            + "\nATTACH \(SQL.literal(server.uri)) AS \(name) (\((["TYPE postgres"] + options).joined(separator: ", ")));\n"
    }

    /// A writer that is frozen, or whose machine is cut off, loses its turn and its transaction.
    private func limits(_ patience: Patience, standstill: Duration? = nil) -> [(name: String, value: String)] {
        let standstill = standstill ?? patience.transaction
        return [
            (name: "lock_timeout", value: "\(patience.turn.wholeMilliseconds)"),
            (name: "idle_in_transaction_session_timeout", value: "\(standstill.wholeMilliseconds)"),
        ]
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 { max(1, Int64(self / .milliseconds(1))) }
}
