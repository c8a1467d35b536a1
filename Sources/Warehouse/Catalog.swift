import Foundation
import Lake
import MarketData
import Runtime

/// The lake's catalog: raw and refined tables, the ledger of raw objects, and what is dirty. A DuckLake, its metadata
/// in SQLite.
///
/// Every writing transaction takes the turn, adds 1 to `turn.n`, reads what it needs, decides, and commits; where it
/// conflicts it starts again from the read. Each runs in an engine process of its own. Instances of several processes
/// may share a folder.
public final class Catalog: Sendable {
    let files: CatalogFiles
    public let engine: DuckDB
    let clock: any WallClock
    let logger: Logger
    let metrics: Metrics
    let patience: Patience
    let upkeep: Upkeep
    /// Called with the engine's process when all is written and nothing committed.
    let beforeCommit: @Sendable (pid_t) -> Void
    let schema: DeclaredDatasets

    /// - Parameters:
    ///   - folder: holds `catalog.sqlite`, `data/` and `turn.lock`.
    ///   - engine: for short transactions one thread is the fastest.
    public convenience init(
        folder: String, engine: DuckDB, clock: any WallClock = SystemWallClock(), logger: Logger, metrics: Metrics,
        patience: Patience = Patience(), upkeep: Upkeep = Upkeep()
    ) {
        self.init(
            files: CatalogFiles(folder: URL(fileURLWithPath: folder).standardizedFileURL.path), engine: engine,
            clock: clock, logger: logger, metrics: metrics, patience: patience, upkeep: upkeep,
            beforeCommit: { _ in Waypoint.catalogBeforeCommit.reached() })
    }

    init(
        files: CatalogFiles, engine: DuckDB, clock: any WallClock, logger: Logger, metrics: Metrics,
        patience: Patience, upkeep: Upkeep = Upkeep(), schema: DeclaredDatasets = DeclaredDatasets(),
        beforeCommit: @escaping @Sendable (pid_t) -> Void
    ) {
        self.files = files
        self.schema = schema
        self.engine = engine
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
        self.patience = patience
        self.upkeep = upkeep
        self.beforeCommit = beforeCommit
    }

    /// The statements that attach the catalog as `lake`, after ``DuckDB``'s own.
    ///
    /// - Parameter snapshot: the catalog as it was then; nil is the newest.
    public func attachScript(readOnly: Bool = true, snapshot: Int64? = nil) -> String {
        // With the rollback journal one open reader would stop the writer.
        var options = ["META_JOURNAL_MODE 'WAL'", "DATA_PATH \(SQL.literal(files.data))"]
        if readOnly { options = ["READ_ONLY"] }
        if let snapshot { options.append("SNAPSHOT_VERSION \(snapshot)") }
        return
            "ATTACH \(SQL.literal("ducklake:sqlite:\(files.metadata)")) AS lake (\(options.joined(separator: ", ")));"
    }

    /// The answer to a query over `lake`, of one snapshot.
    public func rows(_ sql: String, snapshot: Int64? = nil) async throws(CatalogError) -> [Row] {
        try files.check()
        return try await engine.run(
            attachScript(readOnly: true, snapshot: snapshot) + "\n" + sql, doing: "query the catalog")
    }
}
