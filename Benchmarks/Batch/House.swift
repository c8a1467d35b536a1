import Batch
import Foundation
import Lake
import MarketData
import Runtime
import Warehouse

/// A catalog with raw files, and the batch over them, in a folder of their own.
final class House {
    static let day = Day(daysSinceEpoch: 20_777)

    let folder: String
    let engine: DuckDB
    let models: Models
    private let catalog: Catalog
    private let batch: Batch
    private var nextOffset: Int64 = 0
    private(set) var files: [String] = []

    init() async throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "pregao-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        folder = url.path
        let location = try DuckDB.Location.discover()
        engine = DuckDB(location: location, memoryLimit: 4 << 30, threads: 2, temporaryFolder: folder)
        models = try Models.bundled()
        let logger = Logger(component: "benchmark", minimum: .warning)
        let metrics = Metrics()
        catalog = Catalog(
            folder: "\(folder)/catalog", engine: DuckDB(location: location), logger: logger, metrics: metrics)
        try await catalog.open(datasets: Datasets.all, create: true)
        try await catalog.declare(models.declarations)
        batch = Batch(
            settings: BatchSettings(folder: folder), models: models, catalog: catalog, engine: engine, logger: logger,
            metrics: metrics)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// Writes and registers a day of quotes of 100 symbols, evenly over the day.
    func addDay(_ day: Day, quotes: Int, files count: Int) async throws {
        let perFile = quotes / count
        let offset = nextOffset
        let paths = (0..<count).map { "\(folder)/raw-\(offset)-\($0).parquet" }
        let copies = paths.enumerated().map { number, path in
            copy(day, from: offset + Int64(number * perFile), of: perFile, every: 86_400_000_000 / quotes, to: path)
        }
        _ = try await engine.run(copies.joined(separator: "\n"))
        try await register(paths.map { (day, $0, Int64(perFile)) })
    }

    private func copy(_ day: Day, from offset: Int64, of rows: Int, every microseconds: Int, to path: String) -> String
    {
        let start = nextOffset
        return """
            COPY (SELECT 'coinbase-spot' AS feed, 'S' || (n % 100) AS symbol, 'spot' AS price_type,
                CAST((n * 7919) % 100000 AS DECIMAL(38,18)) AS price, 'USD' AS currency,
                \(SQL.literal(day.startInUTC)) + to_microseconds((n - \(start)) * \(microseconds)) AS observed_at,
                \(SQL.literal(day)) AS trading_day, CAST(0 AS INTEGER) AS _partition, n AS _offset
                FROM (SELECT range + \(offset) AS n FROM range(\(rows))))
            TO \(SQL.literal(path)) (FORMAT parquet, COMPRESSION zstd);
            """
    }

    private func register(_ written: [(day: Day, path: String, rows: Int64)]) async throws {
        var registrations: [Registration] = []
        for (day, path, rows) in written {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let sha256 = SHA256.hexadecimal(of: bytes)
            let name = RawObjectName(
                dataset: "quotes", day: day, topic: "pregao.quotes", epoch: "benchmar", partition: 0,
                start: nextOffset, end: nextOffset + rows, sha256: sha256)
            let content = Announcement.DayContent(
                day: day, rows: rows, first: day.startInUTC,
                last: day.adding(days: 1).startInUTC.adding(microseconds: -1))
            let announcement = Announcement(
                bucket: "lake", key: name.key, size: Int64(bytes.count), sha256: sha256, dataset: "quotes",
                schemaVersion: 1, epoch: "benchmar", topic: "pregao.quotes", partition: 0, start: nextOffset,
                end: nextOffset + rows, rows: rows, rejected: 0, emptyReason: nil, days: [content],
                announcedAt: day.startInUTC)
            nextOffset += rows
            files.append(path)
            registrations.append(Registration(announcement: announcement, location: path))
        }
        for start in stride(from: 0, to: registrations.count, by: 100) {
            let outcomes = try await catalog.register(Array(registrations[start..<min(start + 100, written.count)]))
            try expect(outcomes.allSatisfy { $0 == .registered }, "\(outcomes)")
        }
    }

    /// Computes and publishes the day, as it is after an upload.
    func compute(_ model: Model) async throws -> Cost {
        let start = Cost.Start()
        let reports = try await batch.runOnce(days: [Self.day], models: [model.name], force: true)
        try expect(reports.count == 1 && reports[0].isPublished, "\(reports)")
        return start.stop()
    }

    /// Adds so many days, each computed and published, the last being ``day``.
    func addHistory(days: Int) async throws {
        for number in 0..<days { try await addHistoryDay(Self.day.adding(days: number - days + 1), number) }
        try await register(pending)
        pending = []
        for model in models.inOrder { try await publishHistory(of: model, days: days) }
        let left = try await batch.runOnce()
        try expect(left.allSatisfy { $0.isPublished }, "\(left)")
    }

    private var pending: [(day: Day, path: String, rows: Int64)] = []

    private func addHistoryDay(_ day: Day, _ number: Int) async throws {
        let rows = 1000
        let path = "\(folder)/raw-history-\(number).parquet"
        pending.append((day, path, Int64(rows)))
        guard pending.count % 100 == 0 || day == Self.day else { return }
        let unwritten = pending.filter { !FileManager.default.fileExists(atPath: $0.path) }
        _ = try await engine.run(
            unwritten.map { copy($0.day, from: nextOffset, of: rows, every: 80_000_000, to: $0.path) }
                .joined(separator: "\n"))
    }

    /// Publishes files like those that a run makes, many in a transaction, for all days but the last.
    private func publishHistory(of model: Model, days: Int) async throws {
        let folder = "\(self.folder)/refined/history-\(model.table.table)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let sequence = try await catalog.sequence()
        for start in stride(from: 0, to: days - 1, by: 50) {
            let chunk = (start..<min(start + 50, days - 1)).map { (Self.day.adding(days: $0 - days + 1), $0) }
            let columns = model.columns.map { column in
                column.name == "trading_day" ? "" : "CAST(\(value(column)) AS \(column.type.sql)) AS \(column.name),"
            }
            let copies = chunk.map { day, number in
                """
                COPY (SELECT \(columns.joined()) \(SQL.literal(day)) AS trading_day FROM range(100))
                TO '\(folder)/\(number).parquet' (FORMAT parquet);
                """
            }
            _ = try await engine.run(copies.joined(separator: "\n"))
            let publications = chunk.map { day, number in
                Publication(
                    model: model.name, day: day, basedOn: nil, sequence: sequence,
                    file: .init(location: "\(folder)/\(number).parquet", size: 1, sha256: "none", rows: 100),
                    inputs: [PublicationInput(name: "history", sha256: "none")])
            }
            _ = try await catalog.publish(publications)
        }
    }

    private func value(_ column: ModelColumn) -> String {
        switch column.type {
        case .text: "'S' || range"
        case .instant: "TIMESTAMPTZ '2026-01-01 00:00:00Z'"
        default: "1"
        }
    }

    private var lateQuotes = 0

    /// Registers one late file of ``day``, then computes what it has made dirty.
    func computeLateQuote() async throws -> Cost {
        lateQuotes += 1
        let path = "\(folder)/raw-late-\(lateQuotes).parquet"
        _ = try await engine.run(copy(Self.day, from: nextOffset, of: 1, every: 1, to: path))
        try await register([(Self.day, path, 1)])
        let start = Cost.Start()
        let reports = try await batch.runOnce()
        try expect(reports.count == 2 && reports.allSatisfy { $0.isPublished }, "\(reports)")
        return start.stop()
    }
}

struct Unexpected: Error {
    let words: String
}

/// Ends the benchmark where a step did something else than it should have.
func expect(_ condition: Bool, _ words: @autoclosure () -> String) throws(Unexpected) {
    guard condition else { throw Unexpected(words: words()) }
}
