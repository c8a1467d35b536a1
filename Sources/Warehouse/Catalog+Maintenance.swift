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

    /// Lets go of snapshots older than `time`, and of the small tables' rows that only those showed, so that neither
    /// grows with the number of transactions. A catalog that is written to does so by itself; see ``Upkeep``.
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
                snapshots: try expired.first?.requiredInteger("n") ?? 0, rows: try session.pruneInlinedRows())
            session.close()
            return report
        }
    }

    /// Files that were replaced, whose last snapshot was let go before `time`, and which nothing shows any more: they
    /// may be removed, by their whole paths or URIs. Those that DuckLake wrote itself are not among them.
    public func retiredFiles(before time: Instant) async throws(CatalogError) -> [String] {
        let query = """
            SELECT DISTINCT path FROM \(EngineSession.metadata).ducklake_files_scheduled_for_deletion
            WHERE NOT path_is_relative AND schedule_start::TIMESTAMPTZ < \(SQL.literal(time))
                AND path NOT IN (SELECT path FROM \(EngineSession.metadata).ducklake_data_file)
            ORDER BY path
            """
        return try await read(query, nil) { row throws(CatalogError) in try row.requiredText("path") }
    }
}

extension EngineSession {
    /// DuckLake keeps inlined rows that have ended for ever. Those that ended at or before the oldest snapshot can be
    /// seen in none (DuckLake's specification, `ducklake_inlined_data_<table>_<schema version>`).
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

    /// Where DuckLake shows its own tables.
    static let metadata = "__ducklake_metadata_lake"
}
