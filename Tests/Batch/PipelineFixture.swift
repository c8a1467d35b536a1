import Batch
import Foundation
import Lake
import MarketData
import Runtime
import Synchronization
import Warehouse

/// A catalog, raw files and a batch over them, in a folder of their own.
final class PipelineFixture {
    let folder: TemporaryFolder
    let catalog: Catalog
    let engine: DuckDB
    let quotes: Quotes
    let clock: SettableClock
    let metrics = Metrics()
    let models: Models
    private var nextOffsets: [LedgerPartition: Int64] = [:]
    /// Raw files, by the order in which they were registered.
    private(set) var files: [String] = []

    init(models: Models? = nil, now: Instant = Samples.day.adding(days: 2).startInUTC) async throws {
        folder = try TemporaryFolder()
        engine = try Engine.make()
        clock = SettableClock(now)
        self.models = try models ?? Models.bundled()
        quotes = Quotes(engine: engine, folder: folder.path)
        catalog = Catalog(
            folder: "\(folder.path)/catalog", engine: engine, clock: clock, logger: Self.logger, metrics: metrics)
        try await catalog.open(datasets: Datasets.all, create: true)
        try await catalog.declare(self.models.declarations)
    }

    private static let logger = Logger(component: "test", sink: { _ in })

    func batch(models: Models? = nil, refresh: Duration? = nil, logger: Logger = logger) -> Batch {
        Batch(
            settings: BatchSettings(folder: folder.path, pollInterval: .milliseconds(20), refresh: refresh),
            models: models ?? self.models, catalog: catalog, engine: engine, clock: clock, logger: logger,
            metrics: metrics)
    }

    var raw: LocalObjectStore { LocalObjectStore(root: "\(folder.path)/lake") }
    var backup: LocalObjectStore { LocalObjectStore(root: "\(folder.path)/backup") }

    /// The catalog as a program opens it that knows these datasets.
    func catalog(of datasets: [Dataset]) async throws -> Catalog {
        let other = Catalog(
            folder: "\(folder.path)/catalog", engine: engine, clock: clock, logger: Self.logger, metrics: metrics)
        try await other.open(datasets: datasets, create: false)
        return other
    }

    /// Writes a raw file of these quotes, in the order of the log, and registers it.
    ///
    /// - Parameters:
    ///   - flushed: the day in the object's name.
    ///   - columns: more text columns that the file has, and their one value.
    ///   - isArchived: whether it is where flushers and archivers have it, in raw and in backup.
    ///   - other: the catalog that registers it, where it is another program's.
    func register(
        _ given: [Quotes.Quote], _ partition: Int32 = 0, epoch: String = "testtest", on flushed: Day = Samples.day,
        leavingOut: Set<String> = [], adding columns: [String: String] = [:], version: Int = 1,
        isArchived: Bool = false, through other: Catalog? = nil
    ) async throws {
        let place = LedgerPartition(epoch: epoch, topic: "pregao.quotes", partition: partition)
        let start = nextOffsets[place] ?? 0
        let end = start + Int64(given.count)
        var numbered = given
        for index in numbered.indices { numbered[index].offset = Int(start) + index }
        nextOffsets[place] = end
        let file = try await quotes.write(
            numbered, to: "raw-\(files.count).parquet", leavingOut: leavingOut, adding: columns)
        files.append(file)
        let days = Dictionary(grouping: numbered, by: \.day).map { day, quotes in
            let times = quotes.map(\.observedAt)
            return Announcement.DayContent(
                day: day, rows: Int64(quotes.count), first: times.min() ?? day.startInUTC,
                last: times.max() ?? day.startInUTC)
        }
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        let sha256 = SHA256.hexadecimal(of: bytes)
        let name = RawObjectName(
            dataset: "quotes", day: flushed, topic: place.topic, epoch: epoch, partition: partition, start: start,
            end: end, sha256: sha256)
        let announcement = Announcement(
            bucket: "lake", key: name.key, size: Int64(bytes.count), sha256: sha256, dataset: "quotes",
            schemaVersion: version, epoch: epoch, topic: place.topic, partition: partition, start: start, end: end,
            rows: Int64(given.count), rejected: 0, emptyReason: nil, days: days.sorted { $0.day < $1.day },
            announcedAt: clock.now())
        if isArchived {
            try await raw.put(bytes, at: name.key)
            try await backup.put(bytes, at: name.key)
            try await backup.put(announcement.json(), at: name.key + ".json")
        }
        let location = isArchived ? raw.location(of: name.key) : file
        let outcomes = try await (other ?? catalog).register([
            Registration(announcement: announcement, location: location)
        ])
        guard outcomes == [.registered] else { throw Unexpected("\(outcomes)") }
    }

    struct Unexpected: Error {
        let words: String

        init(_ words: String) { self.words = words }
    }

    /// The column `line` of a query over `lake`.
    func rows(_ sql: String) async throws -> [String] { try await catalog.rows(sql).compactMap { $0.text("line") } }

    /// The published minutes: symbol, minute, quotes, close.
    func minutes(_ day: Day = Samples.day) async throws -> [String] {
        try await rows(
            """
            SELECT concat_ws(' ', symbol, strftime(minute, '%H:%M'), quotes, CAST(close AS DOUBLE)) AS line
            FROM lake.refined.quotes_1m WHERE trading_day = DATE '\(day)' ORDER BY line;
            """)
    }

    /// The published days: symbol, quotes, open, high, low, close.
    func days() async throws -> [String] {
        try await rows(
            """
            SELECT concat_ws(' ', trading_day, symbol, quotes, CAST(open AS DOUBLE), CAST(high AS DOUBLE),
                CAST(low AS DOUBLE), CAST(close AS DOUBLE)) AS line
            FROM lake.refined.quotes_daily ORDER BY line;
            """)
    }
}
