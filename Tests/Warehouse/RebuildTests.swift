import Foundation
import Lake
import MarketData
import Testing

@testable import Warehouse

@Suite("Rebuilding the catalog", .serialized, .onEachMetadata, .timeLimit(.minutes(5)))
struct RebuildTests {
    private let lake: LakeFixture

    init() throws { lake = try LakeFixture() }

    /// Hands entries over page by page.
    private func pages(_ entries: [RebuildEntry]) -> () async throws -> [RebuildEntry]? {
        var left = entries[...]
        return {
            guard !left.isEmpty else { return nil }
            defer { left = left.dropFirst(2) }
            return Array(left.prefix(2))
        }
    }

    @Test("the new catalog has what backup tells, in whatever order, and takes a damaged one's place")
    func rebuilds() async throws {
        let catalog = try await lake.openedCatalog()
        let objects = [
            try await lake.object(0..<10), try await lake.object(10..<20), try await lake.object(30..<40),
            try await lake.object(5..<9, partition: 1),
        ]
        let empty = Registration(announcement: lake.announcement(20..<25, rows: 0), location: "")
        let lost = lake.announcement(25..<30)
        _ = try await catalog.register(objects.prefix(2) + [empty])
        _ = try await catalog.refuse(lost, reason: "absent")
        _ = try await catalog.register(Array(objects[2...]))
        let ledger = try await catalog.objects(limit: 100)
        let ranges = try await catalog.ranges()
        try await lake.damage(catalog)

        let entries = (objects + [empty]).map { RebuildEntry.object($0) } + [.refusal(lost, reason: "absent")]
        let report = try await catalog.rebuild(datasets: [.prices], from: pages(entries.reversed()))
        #expect(report.registered == 5 && report.refused == 1 && report.rejected.isEmpty && report.holes.isEmpty)
        let rebuilt = try await catalog.objects(limit: 100)
        #expect(rebuilt.map(\.announcement) == ledger.map(\.announcement))
        #expect(rebuilt.map(\.status) == ledger.map(\.status))
        #expect(try await catalog.ranges() == ranges)
        #expect(try await catalog.count("lake.raw.spot_prices") == 34)
        #expect(try await lake.keepsReplaced(catalog))
    }

    @Test("a refusal whose range is another object's takes no object's place")
    func contested() async throws {
        let catalog = try await lake.openedCatalog()
        let objects = [try await lake.object(0..<10), try await lake.object(10..<20)]
        let contested = lake.announcement(10..<12, tag: "b")
        _ = try await catalog.register(objects)
        _ = try await catalog.refuse(contested, reason: "overlap")
        let ledger = try await catalog.objects(limit: 100)
        let entries = objects.map { RebuildEntry.object($0) } + [.refusal(contested, reason: "overlap")]
        let report = try await catalog.rebuild(datasets: [.prices], from: pages(entries))
        #expect(report.registered == 2 && report.refused == 1 && report.rejected.isEmpty && report.holes.isEmpty)
        #expect(try await catalog.objects(limit: 100).map(\.status) == ledger.map(\.status))
        #expect(try await catalog.ranges().map(\.end) == [20])
    }

    @Test("models declared after it find every day dirty")
    func dirties() async throws {
        let catalog = try await lake.openedCatalog()
        let model = ModelDeclaration(
            name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
            sources: ["raw.spot_prices"])
        try await catalog.declare([model])
        let object = try await lake.object(0..<10, days: [.first, .second])
        _ = try await catalog.register([object])
        _ = try await catalog.rebuild(datasets: [.prices], from: pages([.object(object)]))
        try await catalog.declare([model])
        #expect(try await catalog.dirt().map(\.day) == [.first, .second])
        #expect(try await catalog.register([object]) == [.already])
    }

    @Test("a range of which backup tells nothing is reported, and what follows it is kept")
    func holes() async throws {
        let catalog = try await lake.openedCatalog()
        let objects = [try await lake.object(0..<10), try await lake.object(20..<30), try await lake.object(25..<35)]
        let report = try await catalog.rebuild(
            datasets: [.prices], leavingOut: true, from: pages(objects.map { .object($0) }))
        #expect(report.isReplaced)
        #expect(report.holes.map { [$0.start, $0.end] } == [[10, 20]])
        #expect(report.rejected.map(\.key) == [objects[2].announcement.key])
        #expect(try await catalog.ranges().map { [$0.start, $0.end] } == [[0, 30]])
        #expect(try await catalog.count("lake.raw.spot_prices") == 20)
    }

    @Test("where it does not take an object, the old catalog stays, and the object is named")
    func rejects() async throws {
        let catalog = try await lake.openedCatalog()
        let objects = [
            try await lake.object(0..<10), try await lake.object(5..<15), try await lake.object(20..<30),
            try await lake.object(30..<40),
        ]
        _ = try await catalog.register([objects[0]])
        try FileManager.default.removeItem(atPath: objects[2].location)
        try Data("no Parquet".utf8).write(to: URL(fileURLWithPath: objects[3].location))
        let before = try await catalog.identity()
        let report = try await catalog.rebuild(datasets: [.prices], from: pages(objects.map { .object($0) }))
        #expect(!report.isReplaced)
        #expect(report.rejected.map(\.key) == objects[1...].map(\.announcement.key))
        #expect(try await catalog.identity() == before)
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
        #expect(try await !lake.keepsReplaced(catalog))
    }

    @Test("the new catalog has another identity, and keeps it; one that has none is given one")
    func identity() async throws {
        let catalog = try await lake.openedCatalog()
        let first = try await catalog.identity()
        _ = try await catalog.register([try await lake.object(0..<10)])
        try await lake.openedCatalog().open(datasets: [.prices], create: false)
        #expect(try await catalog.identity() == first)
        _ = try await catalog.rebuild(datasets: [.prices], from: pages([]))
        let second = try await catalog.identity()
        #expect(second != first)
        _ = try await lake.engine.run(catalog.attachScript(readOnly: false) + "DROP TABLE lake.pregao.identity;")
        try await catalog.open(datasets: [.prices], create: false)
        let third = try await catalog.identity()
        #expect(third != first && third != second)
    }

    @Test("where backup cannot be read, the old catalog stays")
    func fails() async throws {
        struct Unreadable: Error {}
        let catalog = try await lake.openedCatalog()
        _ = try await catalog.register([try await lake.object(0..<10)])
        await #expect(throws: Unreadable.self) {
            _ = try await catalog.rebuild(datasets: [.prices]) { throw Unreadable() }
        }
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
    }
}
