import Foundation
import Lake
import MarketData
import Runtime
import Testing
import Warehouse

@testable import Batch

@Suite("Sweeping refined files", .serialized, .timeLimit(.minutes(5)))
struct RefinedSweepTests {
    /// A sweep of `hours` after now, over the data folder or another path to it.
    private func sweep(_ fixture: PipelineFixture, hoursLater hours: Int64, folder: String? = nil) -> RefinedSweep {
        RefinedSweep(
            store: LocalObjectStore(root: folder ?? fixture.folder.path), catalog: fixture.catalog,
            clock: SettableClock(SystemWallClock().now().adding(microseconds: hours * 3_600_000_000)))
    }

    private func files(_ fixture: PipelineFixture) throws -> Set<String> {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: "\(fixture.folder.path)/refined")
        return Set(paths.filter { $0.hasSuffix(".parquet") }.map { "refined/\($0)" })
    }

    /// Two models' day, published twice.
    ///
    /// - Returns: the first versions' files, and the current ones'.
    private func publishedTwice(_ fixture: PipelineFixture) async throws -> (
        replaced: Set<String>, current: Set<String>
    ) {
        try await fixture.register([.init(second: 1, price: "100")])
        _ = try await fixture.batch().runOnce()
        let replaced = try files(fixture)
        try await fixture.register([.init(second: 2, price: "101")])
        _ = try await fixture.batch().runOnce()
        let current = try files(fixture).subtracting(replaced)
        #expect(replaced.count == 2 && current.count == 2)
        return (replaced, current)
    }

    @Test("replaced files and those of runs that never published go once the grace is past, and no other")
    func removes() async throws {
        let fixture = try await PipelineFixture()
        let (replaced, current) = try await publishedTwice(fixture)
        // A run that died after it had placed its file, and what is none of ours.
        let source = try #require(current.min())
        let placed = source.replacingOccurrences(of: "/00000002-", with: "/00000009-")
        #expect(RefinedFileName(key: placed)?.version == 9)
        let (from, to) = ("\(fixture.folder.path)/\(source)", "\(fixture.folder.path)/\(placed)")
        try FileManager.default.copyItem(atPath: from, toPath: to)
        try fixture.folder.write("by hand", to: "refined/README.md")

        let young = try await sweep(fixture, hoursLater: 23).run(removing: true)
        #expect(young.removed.isEmpty)
        #expect(
            Dictionary(young.kept.map { ($0.object.key, $0.reason) }) { first, _ in first } == [
                placed: "younger than the grace", "refined/README.md": "not a refined file's name",
            ])

        let snapshots = try await fixture.rows("SELECT count(*)::VARCHAR AS line FROM ducklake_snapshots('lake')")
        let looked = try await sweep(fixture, hoursLater: 25).run(removing: false)
        #expect(Set(looked.removed.map(\.key)) == replaced.union([placed]))
        #expect(try files(fixture) == replaced.union(current).union([placed]))
        #expect(
            try await fixture.rows("SELECT count(*)::VARCHAR AS line FROM ducklake_snapshots('lake')") == snapshots)

        let swept = try await sweep(fixture, hoursLater: 25).run(removing: true)
        #expect(Set(swept.removed.map(\.key)) == replaced.union([placed]))
        #expect(swept.examined == 6)
        #expect(try files(fixture) == current)
        #expect(try await fixture.minutes() == ["BTC-USD 00:00 2 101.0"])
        #expect(try await sweep(fixture, hoursLater: 25).run(removing: true).removed.isEmpty)
        // What is left can be replaced as ever.
        let reports = try await fixture.batch().runOnce(days: [Samples.day], force: true)
        #expect(reports.allSatisfy { $0.isPublished }, "\(reports)")
    }

    @Test("no file that the catalog shows goes, also where the data folder is reached by another path")
    func otherPath() async throws {
        let fixture = try await PipelineFixture()
        let (replaced, current) = try await publishedTwice(fixture)
        let link = "\(fixture.folder.path)/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: fixture.folder.path)
        let swept = try await sweep(fixture, hoursLater: 25, folder: link).run(removing: true)
        #expect(Set(swept.removed.map(\.key)) == replaced)
        #expect(try files(fixture) == current)
    }
}
