import Foundation
import Lake
import MarketData
import Runtime
import Warehouse

/// Makes few large files of the many small raw objects of closed days, sorted by symbol and time, and has the raw tables
/// read those instead. The objects stay in raw, in backup and in the ledger.
///
/// Every step may be repeated, and several processes may compact at once: a file counts once the catalog has taken it,
/// and the catalog takes an object's rows once.
public struct Compactor: Sendable {
    let catalog: Catalog
    let engine: DuckDB
    /// The raw store; compacted files lie in it beside the raw objects.
    let store: any ObjectStore
    let folder: RefinedFolder
    let settings: CompactionSettings
    let clock: any WallClock

    /// - Parameters:
    ///   - engine: sorts a file's rows; what its memory does not hold it spills.
    ///   - folder: the data folder; files are computed under `refined/.computing`.
    public init(
        catalog: Catalog, engine: DuckDB, store: any ObjectStore, folder: String,
        settings: CompactionSettings = CompactionSettings(), clock: any WallClock = SystemWallClock()
    ) {
        self.catalog = catalog
        self.engine = engine
        self.store = store
        self.folder = RefinedFolder(root: folder)
        self.settings = settings
        self.clock = clock
    }

    /// The newest day that is closed now.
    public var lastClosedDay: Day {
        let age = settings.after.components.seconds * 1_000_000
        return clock.now().adding(microseconds: -age).utcDay.adding(days: -1)
    }

    /// What there is to compact of the closed days, the oldest first.
    public func due() async throws(CatalogError) -> [CompactableDay] {
        try await catalog.compactableDays(upTo: lastClosedDay)
    }

    /// Compacts a day of a dataset, one file after the other, each swapped by itself. One that cannot be made does not
    /// stop the others; where the catalog or the store cannot be had, the rest of the day waits.
    public func compact(_ day: CompactableDay) async -> CompactionReport {
        var report = CompactionReport(dataset: day.dataset, day: day.day)
        do throws(BatchError) {
            let (dataset, objects) = try await inputs(of: day)
            for batch in CompactionBatches(of: objects, settings).batches {
                do throws(BatchError) {
                    try await compact(batch, of: dataset, day.day, &report)
                } catch  where !error.kind.isOfEverything {
                    report.failures.append(error)
                }
            }
        } catch {
            report.failures.append(error)
        }
        return report
    }

    /// - Throws: also where a program that knows less than the objects hold would leave out what it does not know.
    private func inputs(of day: CompactableDay) async throws(BatchError) -> (Dataset, [LedgerObject]) {
        let doing = "compact \(day.dataset) of \(day.day)"
        guard let dataset = Datasets.named(day.dataset) else {
            throw BatchError(.refused, doing: doing, cause: "this program does not know the dataset; a newer one does")
        }
        let objects = try await ofCatalog(doing) { () throws(CatalogError) in
            try await catalog.objects(toCompact: day)
        }
        if let newer = objects.map(\.announcement).first(where: { $0.schemaVersion > dataset.version }) {
            throw BatchError(
                .refused, doing: doing,
                cause:
                    "\(newer.key) is of version \(newer.schemaVersion) of \(dataset.name), newer than this program's, "
                    + "\(dataset.version), which would leave out columns; a newer program compacts the day")
        }
        return (dataset, objects)
    }

    private func compact(
        _ batch: [LedgerObject], of dataset: Dataset, _ day: Day, _ report: inout CompactionReport
    ) async throws(BatchError) {
        let file = try await place(batch, of: dataset, day)
        let outcome = try await ofCatalog("compact \(dataset.name) of \(day)") { () throws(CatalogError) in
            try await catalog.compact(file)
        }
        Waypoint.compactionSwapped.reached()
        guard outcome == .swapped else { return }
        report.files += 1
        report.objects += batch.count
        report.rows += file.rows
        report.bytesBefore += batch.map(\.announcement.size).reduce(0, +)
        report.bytes += file.size
    }

    /// Computes a batch's file, proves that it holds the same rows, and puts it beside raw.
    func place(_ batch: [LedgerObject], of dataset: Dataset, _ day: Day) async throws(BatchError)
        -> CompactedFile
    {
        let doing = "compact \(batch.count) objects of \(dataset.name) of \(day)"
        let script = CompactionScript(dataset: dataset, locations: batch.map(\.location))
        let temporary = try folder.newTemporary()
        defer { folder.discard(temporary) }
        let answer: [Row]
        do throws(CatalogError) {
            answer = try await engine.run(script.write(to: temporary) + "\n" + script.comparison(with: temporary))
        } catch {
            throw BatchError(.engine, doing: doing, cause: error.cause)
        }
        guard let rows = answer.first?.integer("rows"), answer.count == 2, answer[0] == answer[1],
            rows == batch.map(\.announcement.rows).reduce(0, +)
        else {
            throw BatchError(.refused, doing: doing, cause: "the file's rows are not the objects': \(answer)")
        }
        Waypoint.compactionComputed.reached()
        guard let bytes = FileManager.default.contents(atPath: temporary).map({ [UInt8]($0) }) else {
            throw BatchError(.engine, doing: doing, cause: "\(temporary) cannot be read")
        }
        let sha256 = SHA256.hexadecimal(of: bytes)
        let name = CompactedFileName(dataset: dataset.name, day: day, inputs: batch.map(\.announcement), sha256: sha256)
        do throws(StoreError) { try await store.put(bytes, at: name.key) } catch {
            throw BatchError(.cannotWrite, doing: doing, cause: "\(error)")
        }
        Waypoint.compactionPlaced.reached()
        return CompactedFile(
            key: name.key, location: store.location(of: name.key), dataset: dataset.name, day: day, rows: rows,
            size: Int64(bytes.count), sha256: sha256, inputs: batch.map(\.announcement.key).sorted())
    }

    private func ofCatalog<Result>(_ doing: String, _ body: () async throws(CatalogError) -> Result)
        async throws(BatchError) -> Result
    {
        do throws(CatalogError) { return try await body() } catch {
            throw BatchError(error.kind == .refused ? .refused : .catalog, doing: doing, cause: "\(error)")
        }
    }
}

public struct CompactionSettings: Hashable, Sendable {
    /// How long after a day's end in UTC it is compacted.
    public var after: Duration
    /// The objects' size, all in all, that one file is made of.
    public var size: Int64
    /// How many objects one file is made of at most. A file's objects are swapped in one transaction, whose statements
    /// name each of them several times, and for each of which DuckLake keeps an entry until the end.
    public var objects: Int

    public init(after: Duration = .seconds(6 * 3600), size: Int64 = 256 << 20, objects: Int = 2000) {
        self.after = after
        self.size = size
        self.objects = objects
    }
}

/// What a day's compaction did.
public struct CompactionReport: Sendable {
    public let dataset: String
    public let day: Day
    public internal(set) var files = 0
    public internal(set) var objects = 0
    public internal(set) var rows: Int64 = 0
    /// Of the objects, and of the files in their place.
    public internal(set) var bytesBefore: Int64 = 0
    public internal(set) var bytes: Int64 = 0
    /// What could not be done; the objects of these are read one by one, as before.
    public internal(set) var failures: [BatchError] = []
}
