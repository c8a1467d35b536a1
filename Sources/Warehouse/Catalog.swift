import Foundation
import Lake
import MarketData
import Runtime

/// The lake's catalog: raw and refined tables, the ledger of raw objects, and what is dirty. A DuckLake, its metadata
/// in SQLite or PostgreSQL.
///
/// Every writing transaction takes the turn, adds 1 to `turn.n`, reads what it needs, decides, and commits; where it
/// conflicts it starts again from the read. Each runs in an engine process of its own. Instances of several processes
/// may share a catalog.
public final class Catalog: Sendable {
    let metadata: any Metadata
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
    ///   - folder: holds `data/` and, for metadata in SQLite, `catalog.sqlite` and `turn.lock`.
    ///   - server: where the metadata are, if not in SQLite; ``PostgresServer/environment`` is the engine's.
    ///   - engine: for short transactions one thread is the fastest.
    public convenience init(
        folder: String, server: PostgresServer? = nil, engine: DuckDB, clock: any WallClock = SystemWallClock(),
        logger: Logger, metrics: Metrics,
        patience: Patience = Patience(), upkeep: Upkeep = Upkeep()
    ) {
        let folder = URL(fileURLWithPath: folder).standardizedFileURL.path
        let metadata: any Metadata =
            if let server {
                PostgresMetadata(server: server, folder: folder)
            } else {
                SQLiteMetadata(folder: folder)
            }
        self.init(
            metadata: metadata, engine: engine, clock: clock, logger: logger, metrics: metrics, patience: patience,
            upkeep: upkeep, beforeCommit: { _ in Waypoint.catalogBeforeCommit.reached() })
    }

    init(
        metadata: any Metadata, engine: DuckDB, clock: any WallClock, logger: Logger, metrics: Metrics,
        patience: Patience, upkeep: Upkeep = Upkeep(), schema: DeclaredDatasets = DeclaredDatasets(),
        beforeCommit: @escaping @Sendable (pid_t) -> Void
    ) {
        self.metadata = metadata
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
        metadata.attachment(for: readOnly ? .read(snapshot: snapshot) : .write, engine: engine, patience: patience)
    }

    /// Whether there is a catalog, whole or damaged.
    public func exists() async throws(CatalogError) -> Bool {
        try await metadata.exists(engine: engine, patience: patience)
    }

    /// What errors call the place of its metadata.
    public var name: String { metadata.name }

    /// The answer to a query over `lake`, of one snapshot.
    public func rows(_ sql: String, snapshot: Int64? = nil) async throws(CatalogError) -> [Row] {
        try metadata.check()
        return try await engine.run(
            attachScript(readOnly: true, snapshot: snapshot) + "\n" + sql, doing: "query the catalog")
    }
}
