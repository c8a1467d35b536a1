import Foundation
import JSON
import Lake
import MarketData
import PostgresTesting
import Runtime
import Synchronization
import Testing

@testable import Warehouse

/// A lake in a folder of its own, which goes with it: a catalog and raw files written by the real engine. Its metadata
/// are where ``MetadataKind/current`` says.
final class LakeFixture: Sendable {
    let folder: String
    let engine: DuckDB
    let metadata: any Metadata

    init(named name: String = "lake") throws {
        folder =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("pregao-warehouse-\(UUID().uuidString)/\(name)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        engine = DuckDB(location: try .discover())
        switch MetadataKind.current {
        case .sqlite: metadata = SQLiteMetadata(folder: "\(folder)/catalog")
        case .postgres:
            let uri = try PostgresForTests.server().uri
            let server = try PostgresServer(uri: uri, schema: PostgresForTests.unusedSchema())
            metadata = PostgresMetadata(server: server, folder: "\(folder)/catalog")
        }
    }

    deinit { try? FileManager.default.removeItem(at: URL(fileURLWithPath: folder).deletingLastPathComponent()) }

    /// Another instance on the same folder, as another process has it.
    func catalog(
        patience: Patience = Patience(), beforeCommit: @escaping @Sendable (pid_t) -> Void = { _ in }
    ) -> Catalog {
        Catalog(
            metadata: metadata, engine: engine, clock: SystemWallClock(),
            logger: Logger(component: "test", sink: { _ in }), metrics: Metrics(), patience: patience,
            beforeCommit: beforeCommit)
    }

    /// Another instance that has the datasets and the patience of `catalog`.
    func catalogSharing(_ catalog: Catalog, beforeCommit: @escaping @Sendable (pid_t) -> Void) -> Catalog {
        Catalog(
            metadata: catalog.metadata, engine: engine, clock: catalog.clock, logger: catalog.logger,
            metrics: catalog.metrics, patience: catalog.patience, schema: catalog.schema, beforeCommit: beforeCommit)
    }

    func openedCatalog(_ datasets: [Dataset] = [.prices]) async throws -> Catalog {
        let catalog = catalog()
        try await catalog.open(datasets: datasets, create: true)
        return catalog
    }

    /// Whether a writer would have the turn at once.
    func isTurnFree(of catalog: Catalog) async throws -> Bool {
        do {
            _ = try await catalog.metadata.takeTurn("look", engine: engine, patience: Patience(turn: .zero))
            return true
        } catch  where error.kind == .busy {
            return false
        }
    }

    /// Makes the catalog's metadata unreadable.
    func damage(_ catalog: Catalog) async throws {
        if let files = catalog.metadata as? SQLiteMetadata {
            try Data("damaged".utf8).write(to: URL(fileURLWithPath: files.path))
        } else if let server = (catalog.metadata as? PostgresMetadata)?.server {
            try await run("DROP TABLE \(server.schema).ducklake_table", on: server)
        }
    }

    /// Whether what the catalog replaced is still there.
    func keepsReplaced(_ catalog: Catalog) async throws -> Bool {
        if let files = catalog.metadata as? SQLiteMetadata {
            return FileManager.default.fileExists(atPath: files.path + ".before")
        }
        guard let server = (catalog.metadata as? PostgresMetadata)?.server else { return false }
        return try await answer("to_regnamespace('\(server.schema)_before') IS NOT NULL", of: server)
    }

    /// Runs a statement of PostgreSQL's.
    func run(_ statement: String, on server: PostgresServer) async throws {
        _ = try await engine.run(
            "\(engine.load("postgres_scanner")) ATTACH \(SQL.literal(server.uri)) AS server (TYPE postgres); "
                + "CALL postgres_execute('server', \(SQL.literal(statement)));")
    }

    /// Whether an expression of PostgreSQL's is true.
    func answer(_ expression: String, of server: PostgresServer) async throws -> Bool {
        let query = SQL.literal("SELECT (\(expression)) AS answer")
        let rows = try await engine.run(
            "\(engine.load("postgres_scanner")) ATTACH \(SQL.literal(server.uri)) AS server (TYPE postgres, READ_ONLY); "
                + "SELECT answer FROM postgres_query('server', \(query));")
        return rows.first?["answer"]?.bool == true
    }

    /// Writes a raw file with a row for each offset, as a flusher would, and says what it would announce.
    func object(
        _ range: Range<Int64>, partition: Int32 = 0, epoch: String = "epoch001", days: [Day] = [.first],
        version: Int = 1, dataset: Dataset = .prices, tag: String = "a"
    ) async throws -> Registration {
        let announcement = announcement(
            range, partition: partition, epoch: epoch, days: days, version: version, dataset: dataset, tag: tag)
        let location = "\(folder)/\(announcement.key)"
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: location).deletingLastPathComponent(), withIntermediateDirectories: true)
        let values = dataset.columns(ofVersion: version).map { column in
            let value =
                switch column.type {
                case .decimal: "1.5"
                case .instant: "make_timestamptz(\(Day.first.startInUTC.microseconds) + n * 1000000)"
                case .day: "DATE '1970-01-01' + ([\(dayNumbers(days))])[1 + (n % \(days.count))::INTEGER]"
                default: "'\(tag)'"
                }
            return "(\(value))::\(column.type.sqlName) AS \(SQL.identifier(column.name))"
        }
        _ = try await engine.run(
            """
            COPY (SELECT \(values.joined(separator: ", ")), \(partition)::INTEGER AS _partition, n AS _offset
            FROM range(\(range.lowerBound), \(range.upperBound)) r(n)) TO \(SQL.literal(location)) (FORMAT parquet)
            """)
        return Registration(announcement: announcement, location: location)
    }

    private func dayNumbers(_ days: [Day]) -> String {
        days.map { "\($0.daysSinceEpoch)" }.joined(separator: ", ")
    }

    func announcement(
        _ range: Range<Int64>, partition: Int32 = 0, epoch: String = "epoch001", days: [Day] = [.first],
        version: Int = 1, dataset: Dataset = .prices, tag: String = "a", rows: Int64? = nil
    ) -> Announcement {
        let sha256 = String(repeating: tag == "a" ? "a" : "b", count: 64)
        let name = RawObjectName(
            dataset: dataset.name, day: .first, topic: dataset.topic, epoch: epoch, partition: partition,
            start: range.lowerBound, end: range.upperBound, sha256: sha256)
        let rows = rows ?? Int64(range.count)
        let contents = days.map { day in
            Announcement.DayContent(
                day: day, rows: rows / Int64(days.count), first: day.startInUTC,
                last: day.startInUTC.adding(microseconds: 1_000_000))
        }
        return Announcement(
            bucket: "lake", key: name.key, size: 1, sha256: sha256, dataset: dataset.name, schemaVersion: version,
            epoch: epoch, topic: dataset.topic, partition: partition, start: range.lowerBound, end: range.upperBound,
            rows: rows, rejected: 0, emptyReason: rows == 0 ? "all-rejected" : nil, days: rows == 0 ? [] : contents,
            announcedAt: Day.first.startInUTC)
    }
}

extension Dataset {
    static let prices = pricesOfVersion1(with: [])

    /// The same dataset, grown by a column.
    static let grownPrices = pricesOfVersion1(with: [Column("venue", .text, nullable: true, since: 2, "Where.")])

    private static func pricesOfVersion1(with more: [Column]) -> Dataset {
        Dataset(
            name: "spot-prices", description: "Prices.", keyColumn: "symbol",
            tradingDay: TradingDayRule(column: "observed_at"),
            columns: [
                Column("symbol", .text, "Symbol."), Column("price", .decimal, "Price."),
                Column("observed_at", .instant, "When."), Column("trading_day", .day, "Day."),
            ] + more)
    }
}

extension Day {
    static let first = Day(daysSinceEpoch: 20_454)
    static let second = Day(daysSinceEpoch: 20_455)
    static let third = Day(daysSinceEpoch: 20_456)
}

extension Catalog {
    /// The number of rows of a table, or of what else FROM takes.
    func count(_ table: String) async throws -> Int64? {
        try await rows("SELECT count(*) AS n FROM \(table)").first?.integer("n")
    }
}

extension Metrics {
    /// How often engines were asked something inside writing transactions.
    var exchanges: Double {
        for (series, figure) in snapshot() {
            if series.name == "pregao_catalog_exchanges_total", case .counter(let count) = figure { return count }
        }
        return 0
    }
}
