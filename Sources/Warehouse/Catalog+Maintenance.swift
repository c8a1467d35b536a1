import MarketData
import Runtime

/// How often the catalog lets go of old snapshots.
public struct Upkeep: Hashable, Sendable {
    /// Writing transactions between one time and the next.
    public let transactions: Int64
    /// How long a snapshot can be read.
    public let snapshotAge: Duration

    public init(transactions: Int64 = 5000, snapshotAge: Duration = .seconds(86_400)) {
        self.transactions = transactions
        self.snapshotAge = snapshotAge
    }
}

/// What a ``Catalog/maintain(olderThan:)`` did.
public struct MaintenanceReport: Hashable, Sendable {
    /// Snapshots that can no longer be read.
    public let snapshots: Int64
    /// Rows of the ledger's small tables that only those showed.
    public let rows: Int64
}

extension Catalog {
    /// Maintains the catalog where the transaction just committed is the one whose turn it is. A failure is logged: the
    /// transaction is done, and the next time comes.
    func maintainIfDue(at sequence: Int64) async {
        guard sequence % upkeep.transactions == 0 else { return }
        let age = upkeep.snapshotAge.components
        let time = clock.now().adding(microseconds: -age.seconds * 1_000_000)
        do throws(CatalogError) {
            let report = try await maintain(olderThan: time)
            logger.info("catalog maintained", ["snapshots": report.snapshots, "rows": report.rows])
        } catch {
            logger.warning("catalog not maintained", ["error": "\(error)"])
        }
    }

    /// Lets go of snapshots that were no longer the newest at `time`, and of the small tables' rows that only those
    /// showed, so that neither grows with the number of transactions. A catalog that is written to does so by itself;
    /// see ``Upkeep``.
    ///
    /// No file is touched: DuckLake's own clean-up is never run, since it takes raw objects for its own.
    public func maintain(olderThan time: Instant) async throws(CatalogError) -> MaintenanceReport {
        let doing = "expire the catalog's snapshots before \(time)"
        try metadata.check()
        let turn = try await takeTurn(doing)
        return try await inTurn(doing, holding: turn) {
            [tables = metadata.tables, unowned turn] (session: inout EngineSession) throws(CatalogError) in
            // The last one before was the newest then, and may still be read by who attached the catalog then.
            let old = try session.run(
                """
                SELECT snapshot_id::BIGINT AS id FROM ducklake_snapshots('lake') WHERE snapshot_id < (
                    SELECT max(snapshot_id) FROM ducklake_snapshots('lake') WHERE snapshot_time < \(SQL.literal(time)))
                """)
            guard !old.isEmpty else { return MaintenanceReport(snapshots: 0, rows: 0) }
            let ids = try old.map { (row) throws(CatalogError) in "\(try row.requiredInteger("id"))" }
            // They are numbers of this catalog's, and not of one that took its place.
            try turn.confirm()
            try session.run("CALL ducklake_expire_snapshots('lake', versions => [\(ids.joined(separator: ", "))])")
            // DuckLake would have raw objects deleted that a compacted file has replaced.
            try session.run(
                """
                DELETE FROM \(tables).ducklake_files_scheduled_for_deletion
                WHERE path IN (
                    SELECT location FROM lake.pregao.objects SEMI JOIN lake.pregao.compaction_inputs USING (key))
                """)
            return MaintenanceReport(snapshots: Int64(ids.count), rows: try session.pruneInlinedRows(of: tables))
        }
    }

    /// Which of these files of refined tables somebody may still read: the catalog shows them, or a snapshot that was
    /// the newest at `time` or later.
    ///
    /// - Parameter keys: each the end of a location, four parts long, so that it does not matter where the data folder
    ///   lies: `refined/<schema>.<table>/<day>/<file>`.
    public func refinedFilesShown(among keys: [String], since time: Instant) async throws(CatalogError) -> Set<String> {
        guard !keys.isEmpty else { return [] }
        return try EngineSession.keys(
            in: try await rows(EngineSession.shownFiles(among: keys, of: metadata.tables, since: time)))
    }

    /// Lets `remove` take those of these files that nobody can read any more, as ``refinedFilesShown(among:since:)``
    /// says, and makes DuckLake forget them.
    ///
    /// Nobody publishes meanwhile: a file that a run has just placed is published before, and then shown, or after, and
    /// then missed by the run.
    ///
    /// - Returns: the keys that `remove` was called with.
    public func releaseRefinedFiles(
        among keys: [String], unshownSince time: Instant, remove: (String) async throws -> Void
    ) async throws -> [String] {
        guard !keys.isEmpty else { return [] }
        let doing = "release refined files"
        try metadata.check()
        let lock = try await takeTurn(doing)
        defer { withExtendedLifetime(lock) {} }
        let released = try await inTurn(doing, holding: lock) {
            [tables = metadata.tables, unowned lock] (session: inout EngineSession) throws(CatalogError) in
            let shown = try EngineSession.keys(
                in: session.run(EngineSession.shownFiles(among: keys, of: tables, since: time)))
            let released = keys.filter { !shown.contains($0) }
            try lock.confirm()
            try session.run(
                """
                DELETE FROM \(tables).ducklake_files_scheduled_for_deletion
                WHERE \(EngineSession.key) IN \(SQL.list(released))
                """)
            return released
        }
        for key in released {
            // Whoever had the turn after us may have published it.
            try await lock.confirmed()
            try await remove(key)
        }
        return released
    }

    /// Works on the catalog outside of DuckLake's transactions, while nobody else writes.
    private func inTurn<Outcome: Sendable>(
        _ doing: String, holding lock: any Turn,
        _ body: @escaping @Sendable (inout EngineSession) throws(CatalogError) -> Outcome
    ) async throws(CatalogError) -> Outcome {
        defer { withExtendedLifetime(lock) {} }
        let start = engine.preamble + attachScript(readOnly: false)
        return try await onThread(within: patience.transaction) {
            [engine, descriptor = lock.descriptor] handle throws(CatalogError) in
            var session = try EngineSession(engine, doing: doing, handle: handle, inheriting: descriptor)
            try session.run(start)
            let outcome = try body(&session)
            session.close()
            return outcome
        }
    }
}

extension EngineSession {
    /// DuckLake keeps inlined rows that have ended for ever. Those that ended at or before the oldest snapshot can be
    /// seen in none (DuckLake's specification, `ducklake_inlined_data_<table>_<schema version>`).
    /// - Parameter metadata: where DuckLake's own tables are.
    fileprivate mutating func pruneInlinedRows(of metadata: String) throws(CatalogError) -> Int64 {
        let tables = try run("SELECT table_name FROM \(metadata).ducklake_inlined_data_tables ORDER BY table_name")
        var removed: Int64 = 0
        for row in tables {
            let table = SQL.identifier(try row.requiredText("table_name"))
            let ended = """
                FROM \(metadata).\(table)
                WHERE end_snapshot <= (SELECT min(snapshot_id) FROM \(metadata).ducklake_snapshot)
                """
            let counts = try run("SELECT count(*)::BIGINT AS n \(ended); DELETE \(ended);")
            removed += try counts.first?.requiredInteger("n") ?? 0
        }
        return removed
    }

    /// The end of a path, by which a refined file is known.
    static let key = "array_to_string(string_split(path, '/')[-4:], '/')"

    /// DuckLake notes the snapshot in which a file was replaced; it is shown in those before that one.
    fileprivate static func shownFiles(among keys: [String], of metadata: String, since time: Instant) -> String {
        """
        SELECT DISTINCT key FROM (
            SELECT \(key) AS key FROM \(metadata).ducklake_data_file
            WHERE end_snapshot IS NULL OR end_snapshot > coalesce((
                SELECT max(snapshot_id) FROM \(metadata).ducklake_snapshot
                WHERE snapshot_time::TIMESTAMPTZ < \(SQL.literal(time))), -1)
            UNION ALL
            SELECT \(key) FROM lake.pregao.publications
        ) WHERE key IN \(SQL.list(keys)) ORDER BY key;
        """
    }

    static func keys(in rows: [Row]) throws(CatalogError) -> Set<String> {
        var keys: Set<String> = []
        for row in rows { keys.insert(try row.requiredText("key")) }
        return keys
    }
}
