import Batch
import Foundation
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

/// The log lines of a running batch, to wait for one.
final class LogLines: Sendable {
    private let lines: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() { (lines, continuation) = AsyncStream.makeStream() }

    var logger: Logger { Logger(component: "batch", sink: { [continuation] in continuation.yield($0) }) }

    /// Waits for a line with all these words; lines before it are passed over.
    func next(_ words: String...) async -> String? {
        for await line in lines where words.allSatisfy({ line.contains($0) }) { return line }
        return nil
    }
}

@Suite("Open days and their close", .serialized, .timeLimit(.minutes(5)))
struct RefreshTests {
    private static let noon = Samples.day.startInUTC.adding(microseconds: 12 * 3_600_000_000)
    private static let closed = Samples.day.adding(days: 1).startInUTC.adding(microseconds: 5 * 60_000_000)

    private func running(
        _ fixture: PipelineFixture, _ body: (LogLines) async throws -> Void
    ) async throws {
        let lines = LogLines()
        let batch = fixture.batch(refresh: .zero, logger: lines.logger)
        let shutdown = Shutdown()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await batch.run(until: shutdown) }
            do { try await body(lines) } catch {
                shutdown.request()
                throw error
            }
            shutdown.request()
            try await group.waitForAll()
        }
    }

    private func hidden(_ file: String, _ body: () async throws -> Void) async throws {
        try FileManager.default.moveItem(atPath: file, toPath: file + ".hidden")
        try await body()
        try FileManager.default.moveItem(atPath: file + ".hidden", toPath: file)
    }

    @Test("an open day is refreshed in the windows that changed, from the files that hold them, and whole at its close")
    func refresh() async throws {
        let fixture = try await PipelineFixture(now: Self.noon)
        try await fixture.register([.init(second: 1, price: "100"), .init(second: 121, price: "101")])
        try await running(fixture) { lines in
            _ = await lines.next("model=refined.quotes_1m", "version=1", "windows=false")
            _ = await lines.next("model=refined.quotes_daily", "version=1")
            // Whoever opened the first file now would find none.
            try await hidden(fixture.files[0]) {
                try await fixture.register([.init(second: 600, price: "102"), .init(second: 659, price: "103")])
                let line = try #require(await lines.next("model=refined.quotes_1m", "version=2"))
                #expect(line.contains("windows=true") && line.contains("files=1"), "\(line)")
                _ = await lines.next("model=refined.quotes_daily", "version=2")
            }
            #expect(
                try await fixture.minutes() == [
                    "BTC-USD 00:00 1 100.0", "BTC-USD 00:02 1 101.0", "BTC-USD 00:10 2 103.0",
                ])
            #expect(try await fixture.days() == ["\(Samples.day) BTC-USD 4 100.0 103.0 100.0 103.0"])
            fixture.clock.set(Self.closed)
            let line = try #require(await lines.next("model=refined.quotes_1m", "version=3"))
            #expect(line.contains("windows=false") && line.contains("files=2"), "\(line)")
        }
        let report = try await fixture.catalog.publicationInputs(model: "refined.quotes_1m", day: Samples.day)
        #expect(report.count == 2)
    }

    @Test("a window that changes again is replaced, with the rows of it that were published")
    func replaced() async throws {
        let fixture = try await PipelineFixture(now: Self.noon)
        try await fixture.register([.init(second: 1, price: "100"), .init(second: 61, price: "50")])
        try await running(fixture) { lines in
            _ = await lines.next("model=refined.quotes_1m", "version=1")
            try await fixture.register([
                .init(second: 62, price: "70"), .init(symbol: "ETH-USD", second: 63, price: "7"),
            ])
            let line = try #require(await lines.next("model=refined.quotes_1m", "version=2"))
            // The first file reaches into the window, so it is read for the rows that lie in it.
            #expect(line.contains("windows=true") && line.contains("files=2"), "\(line)")
        }
        #expect(
            try await fixture.minutes() == ["BTC-USD 00:00 1 100.0", "BTC-USD 00:01 2 70.0", "ETH-USD 00:01 1 7.0"])
    }

    @Test("a day that another definition published is computed whole, not patched by windows")
    func otherDefinition() async throws {
        let fixture = try await PipelineFixture(now: Self.noon)
        try await fixture.register([.init(second: 1, price: "100")])
        _ = try await fixture.batch().runOnce()
        let changed = try Models(
            fixture.models.inOrder.map {
                $0.name == "refined.quotes_1m"
                    ? $0.with(query: $0.query.replacing("max(price)", with: "max(price) + 0"))
                    : $0
            })
        try await fixture.register([.init(second: 600, price: "102")])
        let lines = LogLines()
        let shutdown = Shutdown()
        let batch = fixture.batch(models: changed, refresh: .zero, logger: lines.logger)
        async let run: Void = batch.run(until: shutdown)
        let line = try #require(await lines.next("model=refined.quotes_1m", "version=2"))
        shutdown.request()
        try await run
        #expect(line.contains("windows=false"), "\(line)")
    }

    @Test("a process that starts after the close finds the day that another left refreshed, and computes it whole")
    func closeAfterRestart() async throws {
        let fixture = try await PipelineFixture(now: Self.noon)
        try await fixture.register([.init(second: 1, price: "100")])
        _ = try await fixture.batch().runOnce()
        #expect(try await fixture.catalog.dirt().isEmpty)
        fixture.clock.set(Self.closed)
        try await running(fixture) { lines in
            let line = try #require(await lines.next("model=refined.quotes_1m", "version=2"))
            #expect(line.contains("windows=false"), "\(line)")
        }
    }

    @Test("a long history is done newest first, without a pause between its parts")
    func history() async throws {
        let fixture = try await PipelineFixture(
            models: try Models(Models.bundled().inOrder.filter { $0.name == "refined.quotes_1m" }))
        try await fixture.register((0..<18).map { .init(second: 1, price: "1", day: Samples.day.adding(days: -$0)) })
        try await running(fixture) { lines in
            for distance in 0..<18 {
                let line = try #require(await lines.next("published a day"))
                #expect(line.contains("day=\(Samples.day.adding(days: -distance)) "), "\(line)")
            }
        }
        #expect(try await fixture.catalog.dirt().isEmpty)
    }

    @Test("after a rebuild of the catalog a batch that runs declares its models anew and computes every day again")
    func rebuilt() async throws {
        let fixture = try await PipelineFixture(now: Self.closed)
        try await fixture.register([.init(second: 1, price: "100")])
        try await running(fixture) { lines in
            #expect(await lines.next("model=refined.quotes_daily", "version=1") != nil)
            let objects = try await fixture.catalog.objects(limit: 10)
            var pages = [
                objects.map {
                    RebuildEntry.object(Registration(announcement: $0.announcement, location: $0.location))
                }
            ]
            _ = try await fixture.catalog.rebuild(datasets: Datasets.all) { pages.popLast() }
            #expect(await lines.next("watching for dirty days") != nil)
            #expect(await lines.next("model=refined.quotes_daily", "version=1") != nil)
        }
        #expect(try await fixture.catalog.publications().count == 2)
    }

    @Test("a catalog that is not there yet is waited for")
    func noCatalog() async throws {
        let fixture = try await PipelineFixture()
        let folder = try TemporaryFolder()
        let lines = LogLines()
        let catalog = Catalog(
            folder: "\(folder.path)/catalog", engine: fixture.engine, logger: lines.logger, metrics: fixture.metrics)
        let batch = Batch(
            settings: BatchSettings(
                folder: folder.path, pollInterval: .milliseconds(20), shortestPause: .milliseconds(20),
                longestPause: .milliseconds(50)),
            models: fixture.models, catalog: catalog, engine: fixture.engine, logger: lines.logger,
            metrics: fixture.metrics)
        let shutdown = Shutdown()
        async let run: Void = batch.run(until: shutdown)
        #expect(await lines.next("the catalog does not answer") != nil)
        try await catalog.open(datasets: [], create: true)
        #expect(await lines.next("watching for dirty days") != nil)
        shutdown.request()
        try await run
    }
}
