import MarketData

/// What a ``Catalog/maintain(olderThan:)`` did.
public struct MaintenanceReport: Hashable, Sendable {
    /// Snapshots that can no longer be read.
    public let snapshots: Int64
    /// Rows of the ledger's small tables that only those showed.
    public let rows: Int64
    /// Files that were replaced, which no snapshot shows any more: they may be removed.
    public let retired: [String]
}

extension Catalog {
    /// Lets go of snapshots older than `time`, and of the small tables' rows that only those showed, so that neither
    /// grows with the number of transactions.
    ///
    /// No file is touched: DuckLake's own clean-up is never run, since it takes raw objects for its own.
    public func maintain(olderThan time: Instant) async throws(CatalogError) -> MaintenanceReport {
        try files.check()
        let doing = "expire the catalog's snapshots before \(time)"
        let lock = try await takeTurn(doing)
        defer { withExtendedLifetime(lock) {} }
        let start = engine.preamble + attachScript(readOnly: false)
        return try await onThread { [engine, descriptor = lock.descriptor] handle throws(CatalogError) in
            var session = try EngineSession(engine, doing: doing, handle: handle, inheriting: descriptor)
            try session.run(start)
            let expired = try session.run(
                """
                SELECT count(*)::BIGINT AS n
                FROM ducklake_expire_snapshots('lake', older_than => \(SQL.literal(time)))
                """)
            let report = MaintenanceReport(
                snapshots: try expired.first?.requiredInteger("n") ?? 0, rows: try session.pruneInlinedRows(),
                retired: try session.retiredFiles())
            session.close()
            return report
        }
    }
}

extension EngineSession {
    /// DuckLake keeps inlined rows that have ended for ever. Those that ended at or before the oldest snapshot can be
    /// seen in none (ducklake.select, specification, `ducklake_inlined_data_<table>_<schema version>`).
    fileprivate mutating func pruneInlinedRows() throws(CatalogError) -> Int64 {
        let tables = try run("SELECT table_name FROM \(Self.metadata).ducklake_inlined_data_tables ORDER BY table_name")
        var removed: Int64 = 0
        for row in tables {
            let table = SQL.identifier(try row.requiredText("table_name"))
            let ended = """
                FROM \(Self.metadata).\(table)
                WHERE end_snapshot <= (SELECT min(snapshot_id) FROM \(Self.metadata).ducklake_snapshot)
                """
            let counts = try run("SELECT count(*)::BIGINT AS n \(ended); DELETE \(ended);")
            removed += try counts.first?.requiredInteger("n") ?? 0
        }
        return removed
    }

    /// Whole paths only: what DuckLake wrote itself, below its data folder, is left alone.
    fileprivate mutating func retiredFiles() throws(CatalogError) -> [String] {
        let rows = try run(
            """
            SELECT DISTINCT path FROM \(Self.metadata).ducklake_files_scheduled_for_deletion
            WHERE NOT path_is_relative
                AND path NOT IN (SELECT path FROM \(Self.metadata).ducklake_data_file WHERE NOT path_is_relative)
            ORDER BY path
            """)
        var paths: [String] = []
        for row in rows { paths.append(try row.requiredText("path")) }
        return paths
    }

    /// Where DuckLake shows its own tables.
    private static let metadata = "__ducklake_metadata_lake"
}
