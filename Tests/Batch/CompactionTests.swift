import Foundation
import Lake
import MarketData
import Runtime
import Testing
import Warehouse

@testable import Batch

@Suite("Compacting closed days", .serialized, .timeLimit(.minutes(5)))
struct CompactionTests {
    private static let rows = "SELECT concat_ws(' ', symbol, _offset, price) AS line FROM lake.raw.quotes ORDER BY line"

    private func compactor(
        _ fixture: PipelineFixture, size: Int64 = 256 << 20, objects: Int = 500, after: Duration = .seconds(3600)
    ) -> Compactor {
        Compactor(
            catalog: fixture.catalog, engine: fixture.engine, store: store(fixture), folder: fixture.folder.path,
            settings: CompactionSettings(after: after, size: size, objects: objects),
            clock: fixture.clock)
    }

    private func store(_ fixture: PipelineFixture) -> LocalObjectStore {
        LocalObjectStore(root: "\(fixture.folder.path)/lake")
    }

    /// Registers so many objects of two quotes each.
    private func register(_ count: Int, _ fixture: PipelineFixture, from second: Int = 0) async throws {
        for number in 0..<count {
            try await fixture.register([
                .init(symbol: "ETH-USD", second: second + number, price: "2"),
                .init(symbol: "BTC-USD", second: second + number, price: "100"),
            ])
        }
    }

    /// The oldest day to compact.
    private func due(_ fixture: PipelineFixture) async throws -> CompactableDay {
        try #require(try await compactor(fixture).due().first)
    }

    private func files(_ fixture: PipelineFixture) async throws -> [String] {
        try await fixture.catalog.files(ofTable: "quotes", inSchema: "raw")
    }

    @Test("the raw table gives the same rows from one file, sorted by symbol and time; the ledger is as it was")
    func compacts() async throws {
        let fixture = try await PipelineFixture()
        try await register(4, fixture)
        let rows = try await fixture.rows(Self.rows)
        let ledger = try await fixture.catalog.objects(limit: 10)
        let due = try await compactor(fixture).due()
        #expect(due == [CompactableDay(dataset: "quotes", day: Samples.day, objects: 4)])
        let report = await compactor(fixture).compact(due[0])
        #expect(report.files == 1 && report.objects == 4 && report.rows == 8)
        #expect(try await fixture.rows(Self.rows) == rows)
        #expect(try await fixture.catalog.objects(limit: 10) == ledger)
        let file = try #require(try await fixture.catalog.compactedFiles().first)
        #expect(try await files(fixture) == [file.location])
        #expect(file.inputs == ledger.map(\.announcement.key))
        let order = try await fixture.rows(
            "SELECT concat(symbol, _offset) AS line FROM read_parquet('\(file.location)')")
        #expect(order == [1, 3, 5, 7].map { "BTC-USD\($0)" } + [0, 2, 4, 6].map { "ETH-USD\($0)" })
        #expect(try await compactor(fixture).due().isEmpty)
    }

    @Test("a day is due once it has been over for as long as the setting says, and holds more than one object")
    func due() async throws {
        let fixture = try await PipelineFixture(now: Samples.day.adding(days: 1).startInUTC)
        try await register(1, fixture)
        #expect(try await compactor(fixture, after: .zero).due().isEmpty)
        try await register(1, fixture)
        #expect(try await compactor(fixture, after: .seconds(1)).due().isEmpty)
        #expect(try await compactor(fixture, after: .zero).due().map(\.objects) == [2])
    }

    @Test("a file is made of as many neighbours as the size allows; one that is left alone stays as it is")
    func sizes() async throws {
        let fixture = try await PipelineFixture()
        try await register(5, fixture)
        let rows = try await fixture.rows(Self.rows)
        let size = try #require(try await fixture.catalog.objects(limit: 1).first).announcement.size
        let report = await compactor(fixture, size: size * 5 / 2).compact(try await due(fixture))
        #expect(report.files == 2 && report.objects == 4)
        #expect(try await files(fixture).count == 3)
        #expect(try await fixture.rows(Self.rows) == rows)
    }

    @Test("a day of many objects is compacted in several swaps, and what a crash leaves undone is done by the next run")
    func severalSwaps() async throws {
        let fixture = try await PipelineFixture()
        try await register(8, fixture)
        let rows = try await fixture.rows(Self.rows)
        let compactor = compactor(fixture, objects: 3)
        let day = try await due(fixture)
        // The first swap, and no more.
        let objects = try await fixture.catalog.objects(toCompact: day)
        let batches = CompactionBatches(of: objects, compactor.settings).batches
        #expect(batches.map(\.count) == [3, 3, 2])
        let first = try await compactor.place(batches[0], of: Datasets.quotes, day.day)
        #expect(try await fixture.catalog.compact(first) == .swapped)
        #expect(try await fixture.rows(Self.rows) == rows)
        #expect(try await files(fixture).count == 6)

        let report = await compactor.compact(try await due(fixture))
        #expect(report.files == 2 && report.objects == 5)
        #expect(try await fixture.rows(Self.rows) == rows)
        #expect(try await fixture.catalog.compactedFiles().map(\.inputs.count).sorted() == [2, 3, 3])
        #expect(try await compactor.due().isEmpty)
    }

    @Test("objects of several partitions and epochs are made one file, in the order of partition and range")
    func partitions() async throws {
        let fixture = try await PipelineFixture()
        for (partition, epoch) in [(Int32(1), "testtest"), (0, "testtest"), (0, "othother")] {
            for _ in 0..<2 { try await fixture.register([.init(second: 1, price: "1")], partition, epoch: epoch) }
        }
        let rows = try await fixture.rows(Self.rows)
        let order = try await fixture.catalog.objects(toCompact: try await due(fixture)).map(\.announcement)
        #expect(
            order.map { "\($0.epoch) \($0.partition)" }.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
                == ["othother 0", "testtest 0", "testtest 1"])
        let report = await compactor(fixture).compact(try await due(fixture))
        #expect(report.files == 1 && report.objects == 6)
        #expect(try await fixture.rows(Self.rows) == rows)
    }

    @Test("a program that does not know an object's newer columns leaves its day as it is, and says why")
    func newerSchema() async throws {
        let fixture = try await PipelineFixture()
        let newer = try await fixture.catalog(of: [Self.grownQuotes])
        try await fixture.register([.init(second: 0, price: "1")])
        for second in 1..<3 {
            try await fixture.register(
                [.init(second: second, price: "2")], adding: ["venue": "north"], version: 2, through: newer)
        }
        let venues = "SELECT concat_ws(' ', _offset, venue) AS line FROM lake.raw.quotes ORDER BY line"
        let before = try await fixture.rows(venues)
        #expect(before == ["0", "1 north", "2 north"])

        let report = await compactor(fixture).compact(try await due(fixture))
        #expect(report.files == 0)
        let failure = try #require(report.failures.first)
        #expect(failure.kind == .refused && failure.cause.contains("version 2 of quotes, newer than this program's, 1"))
        #expect(try await files(fixture).count == 3)
        #expect(try await fixture.rows(venues) == before)
    }

    @Test(
        "the catalog does not take a file that was made of newer objects by a program that does not know their columns")
    func newerSchemaInTransaction() async throws {
        let fixture = try await PipelineFixture()
        let newer = try await fixture.catalog(of: [Self.grownQuotes])
        for second in 0..<2 {
            try await fixture.register(
                [.init(second: second, price: "2")], adding: ["venue": "north"], version: 2, through: newer)
        }
        let day = try await due(fixture)
        let objects = try await fixture.catalog.objects(toCompact: day)
        let file = try await compactor(fixture).place(objects, of: Datasets.quotes, day.day)
        let error = await #expect(throws: CatalogError.self) { _ = try await fixture.catalog.compact(file) }
        #expect(error?.kind == .refused, "\(String(describing: error))")
        #expect(try await files(fixture).count == 2)
    }

    private static let grownQuotes: Dataset = {
        let quotes = Datasets.quotes
        return Dataset(
            name: quotes.name, description: quotes.description, keyColumn: quotes.keyColumn,
            tradingDay: quotes.tradingDay,
            columns: quotes.columns + [Column("venue", .text, nullable: true, since: 2, "Where.")])
    }()

    @Test("a file that cannot be made does not stop the day's others")
    func oneBadObject() async throws {
        let fixture = try await PipelineFixture()
        try await register(6, fixture)
        try FileManager.default.removeItem(atPath: fixture.files[0])
        let report = await compactor(fixture, objects: 2).compact(try await due(fixture))
        #expect(report.files == 2 && report.objects == 4)
        #expect(report.failures.map(\.kind) == [.engine])
        #expect(report.failures.first?.cause.contains("raw-0.parquet") == true, "\(report.failures)")
        #expect(try await files(fixture).count == 4)
    }

    @Test("what comes late is registered as ever, and the day gets a second file")
    func late() async throws {
        let fixture = try await PipelineFixture()
        try await register(3, fixture)
        _ = await compactor(fixture).compact(try await due(fixture))
        try await register(2, fixture, from: 10)
        #expect(try await files(fixture).count == 3)
        let rows = try await fixture.rows(Self.rows)
        _ = await compactor(fixture).compact(try await due(fixture))
        #expect(try await files(fixture).count == 2)
        #expect(try await fixture.rows(Self.rows) == rows)
        #expect(rows.count == 10)
    }

    @Test("files that lack a newer column are compacted with others; it is NULL there")
    func columns() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([.init(second: 0, price: "1")], leavingOut: ["currency"])
        try await fixture.register([.init(second: 1, price: "2")])
        let query = "SELECT concat_ws(' ', _offset, currency IS NULL) AS line FROM lake.raw.quotes ORDER BY line"
        let before = try await fixture.rows(query)
        _ = await compactor(fixture).compact(try await due(fixture))
        #expect(try await fixture.rows(query) == before)
    }

    enum Step: CaseIterable { case computed, placed, swapped }

    @Test("a crash after any step leaves every row once, and the next run does the rest", arguments: Step.allCases)
    func crash(step: Step) async throws {
        let fixture = try await PipelineFixture()
        try await register(3, fixture)
        let rows = try await fixture.rows(Self.rows)
        let compactor = compactor(fixture)
        let day = try #require(try await compactor.due().first)
        let dataset = try #require(Datasets.named("quotes"))
        let objects = try await fixture.catalog.objects(toCompact: day)
        switch step {
        case .computed:
            let temporary = try compactor.folder.newTemporary()
            _ = try await fixture.engine.run(
                CompactionScript(dataset: dataset, locations: objects.map(\.location)).write(to: temporary))
        case .placed: _ = try await compactor.place(objects, of: dataset, day.day)
        case .swapped:
            let file = try await compactor.place(objects, of: dataset, day.day)
            #expect(try await fixture.catalog.compact(file) == .swapped)
            // And by another process that had taken the same objects.
            #expect(try await fixture.catalog.compact(file) == .discarded)
        }
        #expect(try await fixture.rows(Self.rows) == rows)
        for due in try await compactor.due() { _ = await compactor.compact(due) }
        #expect(try await fixture.rows(Self.rows) == rows)
        #expect(try await files(fixture).count == 1)
        // What is computed again is the same file.
        #expect(try await store(fixture).list(prefix: "compacted/", after: nil, limit: 10).count == 1)
    }

    @Test("a file of other rows than its objects' is not taken")
    func refuses() async throws {
        let fixture = try await PipelineFixture()
        try await register(2, fixture)
        let compactor = compactor(fixture)
        let day = try #require(try await compactor.due().first)
        let objects = try await fixture.catalog.objects(toCompact: day)
        let dataset = try #require(Datasets.named("quotes"))
        let file = try await compactor.place(objects, of: dataset, day.day)
        let before = try await files(fixture)
        for (location, rows) in [(fixture.files[0], Int64(4)), (file.location, 3)] {
            let wrong = CompactedFile(
                key: file.key, location: location, dataset: file.dataset, day: file.day, rows: rows, size: file.size,
                sha256: file.sha256, inputs: file.inputs)
            let error = await #expect(throws: CatalogError.self) { _ = try await fixture.catalog.compact(wrong) }
            #expect(error?.kind == .refused, "\(String(describing: error))")
        }
        #expect(try await files(fixture) == before)
        #expect(try await fixture.catalog.compact(file) == .swapped)
    }

    @Test("two processes that compact at once swap each object's rows once")
    func atOnce() async throws {
        let fixture = try await PipelineFixture()
        try await register(4, fixture)
        let rows = try await fixture.rows(Self.rows)
        let day = try #require(try await compactor(fixture).due().first)
        let (first, second) = (compactor(fixture), compactor(fixture, size: 5000))
        async let one = first.compact(day)
        async let other = second.compact(day)
        let reports = await [one, other]
        #expect(reports.map(\.objects).reduce(0, +) <= 4)
        #expect(try await fixture.rows(Self.rows) == rows)
    }

    @Test("the sweep removes compacted files that the catalog does not know, once the grace is past, and no other")
    func sweeps() async throws {
        let fixture = try await PipelineFixture()
        try await register(3, fixture)
        let compactor = compactor(fixture)
        let day = try #require(try await compactor.due().first)
        let dataset = try #require(Datasets.named("quotes"))
        let objects = try await fixture.catalog.objects(toCompact: day)
        let orphan = try await compactor.place(Array(objects.prefix(2)), of: dataset, day.day)
        _ = await compactor.compact(day)
        for (hours, removed) in [(Int64(23), []), (25, [orphan.key])] {
            let clock = SettableClock(SystemWallClock().now().adding(microseconds: hours * 3_600_000_000))
            let sweep = RefinedSweep(.compacted, store: store(fixture), catalog: fixture.catalog, clock: clock)
            #expect(try await sweep.run(removing: true).removed.map(\.key) == removed)
        }
        #expect(try await fixture.rows(Self.rows).count == 6)
        // The objects that were compacted are nobody's to remove.
        #expect(fixture.files.allSatisfy(FileManager.default.fileExists))
        let scheduled = "__ducklake_metadata_lake.ducklake_files_scheduled_for_deletion"
        #expect(try await fixture.rows("SELECT path AS line FROM \(scheduled)").isEmpty)
    }

    @Test("a file that the sweep takes before it is swapped is not taken by the catalog; the next try makes it again")
    func sweptBeforeSwap() async throws {
        let fixture = try await PipelineFixture()
        try await register(2, fixture)
        let rows = try await fixture.rows(Self.rows)
        let compactor = compactor(fixture)
        let day = try await due(fixture)
        let objects = try await fixture.catalog.objects(toCompact: day)
        let placed = try await compactor.place(objects, of: Datasets.quotes, day.day)
        let clock = SettableClock(SystemWallClock().now().adding(microseconds: 25 * 3_600_000_000))
        let sweep = RefinedSweep(.compacted, store: store(fixture), catalog: fixture.catalog, clock: clock)
        #expect(try await sweep.run(removing: true).removed.map(\.key) == [placed.key])
        await #expect(throws: CatalogError.self) { _ = try await fixture.catalog.compact(placed) }
        #expect(try await fixture.rows(Self.rows) == rows)
        #expect(await compactor.compact(day).files == 1)
        #expect(try await fixture.rows(Self.rows) == rows)
    }
}
