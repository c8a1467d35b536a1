import Foundation
import Lake
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

@testable import Batch

/// The batch, which compacts while it has nothing else to do.
@Suite("The batch, compacting", .serialized, .timeLimit(.minutes(5)))
struct CompactingBatchTests {
    /// Runs a batch until it has logged `event`, and gives its lines.
    private func run(_ fixture: PipelineFixture, size: Int64 = 256 << 20, until event: String) async throws -> [String]
    {
        let shutdown = Shutdown()
        let lines = Lines()
        var settings = BatchSettings(folder: fixture.folder.path, pollInterval: .milliseconds(20))
        settings.compactionInterval = .zero
        let batch = Batch(
            settings: settings, models: fixture.models, catalog: fixture.catalog, engine: fixture.engine,
            compactor: Compactor(
                catalog: fixture.catalog, engine: fixture.engine,
                store: LocalObjectStore(root: "\(fixture.folder.path)/lake"), folder: fixture.folder.path,
                settings: CompactionSettings(after: .zero, size: size), clock: fixture.clock),
            clock: fixture.clock,
            logger: Logger(
                component: "test",
                sink: { line in
                    lines.add(line)
                    if line.contains(event) { shutdown.request() }
                }),
            metrics: fixture.metrics)
        try await batch.run(until: shutdown)
        return lines.all
    }

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock { $0 } }

        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func files(_ fixture: PipelineFixture) async throws -> [String] {
        try await fixture.catalog.files(ofTable: "quotes", inSchema: "raw")
    }

    private func figure(_ name: String, _ fixture: PipelineFixture) -> Double? {
        for (series, figure) in fixture.metrics.snapshot() {
            if series.name == name, case .counter(let value) = figure { return value }
        }
        return nil
    }

    @Test("compacts closed days while nothing else is to be done")
    func byItself() async throws {
        let fixture = try await PipelineFixture()
        for second in 0..<3 { try await fixture.register([.init(second: second, price: "1")]) }
        _ = try await run(fixture, until: "compacted a day")
        #expect(try await files(fixture).count == 1)
        #expect(try await fixture.catalog.dirt().isEmpty)
    }

    @Test("goes on with the next day where the oldest cannot be compacted, and tells of that one")
    func goesOn() async throws {
        let fixture = try await PipelineFixture()
        let days = [Samples.day.adding(days: -1), Samples.day]
        for day in days {
            for second in 0..<2 { try await fixture.register([.init(second: second, price: "1", day: day)], on: day) }
        }
        for report in try await fixture.batch().runOnce() { #expect(report.isPublished) }
        try FileManager.default.removeItem(atPath: fixture.files[0])
        let lines = try await run(fixture, until: "compacted a day")
        #expect(try await fixture.catalog.compactedFiles().map(\.day) == [days[1]])
        let told = lines.filter { $0.contains("a day could not be compacted") }
        #expect(told.count == 1 && told.allSatisfy { $0.contains("day=\(days[0])") }, "\(lines)")
        #expect(figure("pregao_batch_compaction_failures_total", fixture) == 1)
    }

    @Test("passes by a day whose objects are too large to be made one file")
    func passesBy() async throws {
        let fixture = try await PipelineFixture()
        let days = [Samples.day.adding(days: -1), Samples.day]
        // Of the first day two large ones; of the second a pair that fits.
        for second in 0..<2 {
            let many = (0..<200).map { Quotes.Quote(second: second * 300 + $0, price: "\($0).\($0)", day: days[0]) }
            try await fixture.register(many, on: days[0])
        }
        for second in 0..<2 {
            try await fixture.register([.init(second: second, price: "1", day: days[1])], on: days[1])
        }
        let sizes = try await fixture.catalog.objects(limit: 10).map(\.announcement.size)
        let size = sizes[2] + sizes[3]
        try #require(sizes[0] + sizes[1] > size)
        _ = try await run(fixture, size: size, until: "compacted a day")
        #expect(try await fixture.catalog.compactedFiles().map(\.day) == [days[1]])
        #expect(figure("pregao_batch_compaction_failures_total", fixture) == 0)
    }
}
