import Foundation
import Lake
import MarketData
import Testing

@testable import Warehouse

@Suite("Objects that expire", .serialized, .onEachMetadata, .timeLimit(.minutes(5)))
struct ExpirationTests {
    private let lake: LakeFixture

    init() throws { lake = try LakeFixture() }

    private static let model = ModelDeclaration(
        name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
        sources: ["raw.spot_prices"])

    /// Far enough ahead that everything is old.
    private static let limits = ExpirationLimits(
        compactedUntil: Instant.plausible.upperBound, lastDay: Day(daysSinceEpoch: 30_000))

    /// Two objects, compacted.
    private func compacted(_ catalog: Catalog) async throws -> CompactedFile {
        let objects = [try await lake.object(0..<10), try await lake.object(10..<20, days: [.first, .second])]
        #expect(try await catalog.register(objects) == [.registered, .registered])
        return try await compact(objects, as: "a", in: catalog)
    }

    private func compact(_ objects: [Registration], as name: String, in catalog: Catalog) async throws -> CompactedFile
    {
        let location = "\(lake.folder)/compacted/spot-prices/dt=\(Day.first)/\(name).parquet"
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: location).deletingLastPathComponent(), withIntermediateDirectories: true)
        let sources = objects.map { SQL.literal($0.location) }.joined(separator: ", ")
        _ = try await lake.engine.run(
            """
            COPY (SELECT * FROM read_parquet([\(sources)], union_by_name = true, hive_partitioning = false))
            TO \(SQL.literal(location)) (FORMAT parquet)
            """)
        let file = CompactedFile(
            key: "compacted/spot-prices/dt=\(Day.first)/\(name).parquet", location: location, dataset: "spot-prices",
            day: .first, rows: objects.map(\.announcement.rows).reduce(0, +), size: 1, sha256: name,
            inputs: objects.map(\.announcement.key).sorted())
        #expect(try await catalog.compact(file) == .swapped)
        return file
    }

    @Test("what reads them reads the compacted file, once; what comes late is read by itself")
    func reads() async throws {
        let catalog = try await lake.openedCatalog()
        let file = try await compacted(catalog)
        let before = try await catalog.objects(limit: 10)
        #expect(try await catalog.expire(file, Self.limits) == .expired)
        #expect(try await catalog.expire(file, Self.limits) == .already)
        let late = try await lake.object(20..<25)
        _ = try await catalog.register([late])
        let inputs = try await catalog.inputs(
            for: "refined.m", sources: ["raw.spot_prices"], days: Day.first...Day.second)
        #expect(Set(inputs.objects.map(\.location)) == [file.location, late.location])
        #expect(Set(inputs.objects.map(\.key)) == Set(file.inputs + [late.announcement.key]))
        let after = try await catalog.objects(limit: 10)
        #expect(after.map(\.expiredInto) == [file.location, file.location, nil])
        #expect(after.prefix(2).map(\.announcement) == before.map(\.announcement))
        #expect(after.allSatisfy { $0.status == .registered && $0.location != file.location })
        #expect(try await catalog.count("lake.raw.spot_prices") == 25)
    }

    @Test("they are removable from the time on that they expired, until that is noted")
    func removable() async throws {
        let catalog = try await lake.openedCatalog()
        let file = try await compacted(catalog)
        #expect(try await catalog.expirable(Self.limits).map(\.0) == [file])
        _ = try await catalog.expire(file, Self.limits)
        #expect(try await catalog.expirable(Self.limits).isEmpty)
        let expiration = try #require(try await catalog.expirations().first)
        #expect(expiration.file == file && expiration.removedAt == nil)
        let before = expiration.expiredAt.adding(microseconds: -1)
        #expect(try await catalog.removable(expiredUntil: before, Self.limits).isEmpty)
        let found = try await catalog.removable(expiredUntil: expiration.expiredAt, Self.limits)
        #expect(found.map(\.0) == [file] && found[0].obstacle == nil)
        for _ in 1...2 { try await catalog.recordRemoval(ofObjectsIn: file) }
        #expect(try await catalog.removable(expiredUntil: expiration.expiredAt, Self.limits).isEmpty)
        #expect(try await catalog.expirations().first?.removedAt != nil)
    }

    @Test("a model that can see a dirty day later keeps them, as does one that has not published their day")
    func obstacles() async throws {
        let catalog = try await lake.openedCatalog()
        let file = try await compacted(catalog)
        var model = Self.model
        model = ModelDeclaration(name: model.name, columns: model.columns, sources: model.sources, reachDays: 2)
        try await catalog.declare([model])
        #expect(
            try await catalog.expire(file, Self.limits) == .kept(reason: "refined.m has not published \(Day.first)"))
        let publications = [Day.first, .second].map { day in
            Publication(model: "refined.m", day: day, basedOn: nil, sequence: .max, file: nil, inputs: [])
        }
        _ = try await catalog.publish(publications)
        #expect(try await catalog.dirt().isEmpty)
        try await catalog.markDirty(model: "refined.m", days: [Day.second.adding(days: 2)])
        let obstacle = try await catalog.expirable(Self.limits).first?.obstacle
        #expect(obstacle == "refined.m is dirty on \(Day.second.adding(days: 2))")
        #expect(try await catalog.expire(file, Self.limits) == .kept(reason: obstacle ?? ""))
        try await catalog.markDirty(model: "refined.m", days: [Day.second.adding(days: 3)])
        _ = try await catalog.publish([
            Publication(
                model: "refined.m", day: Day.second.adding(days: 2), basedOn: nil, sequence: .max, file: nil,
                inputs: [])
        ])
        #expect(try await catalog.expire(file, Self.limits) == .expired)
    }

    @Test("a file that the catalog has otherwise, or whose rows the raw table does not read, expires nothing")
    func refuses() async throws {
        let catalog = try await lake.openedCatalog()
        let file = try await compacted(catalog)
        for (sha256, inputs) in [("other", file.inputs), (file.sha256, Array(file.inputs.dropLast()))] {
            let wrong = CompactedFile(
                key: file.key, location: file.location, dataset: file.dataset, day: file.day, rows: file.rows,
                size: file.size, sha256: sha256, inputs: inputs)
            guard case .kept = try await catalog.expire(wrong, Self.limits) else {
                Issue.record("\(wrong)")
                return
            }
        }
        let early = ExpirationLimits(compactedUntil: Day.first.startInUTC, lastDay: Self.limits.lastDay)
        guard case .kept = try await catalog.expire(file, early) else {
            Issue.record("compacted too short a time ago")
            return
        }
        _ = try await lake.engine.run(
            catalog.attachScript(readOnly: false) + "\nDELETE FROM lake.raw.spot_prices WHERE _offset = 0;")
        guard case .kept = try await catalog.expire(file, Self.limits) else {
            Issue.record("the raw table lacks a row")
            return
        }
        #expect(try await catalog.expirations().isEmpty)
    }

    @Test("a transaction that dies before it commits expires nothing, and the next one does")
    func dies() async throws {
        let catalog = try await lake.openedCatalog()
        let file = try await compacted(catalog)
        let dying = lake.catalogSharing(catalog) { kill($0, SIGKILL) }
        await #expect(throws: CatalogError.self) { _ = try await dying.expire(file, Self.limits) }
        #expect(try await catalog.expirations().isEmpty)
        #expect(try await catalog.expire(file, Self.limits) == .expired)
        await #expect(throws: CatalogError.self) { try await dying.recordRemoval(ofObjectsIn: file) }
        #expect(try await catalog.expirations().map(\.removedAt) == [nil])
    }

    @Test("a rebuilt catalog reads the file in their place")
    func rebuilds() async throws {
        let catalog = try await lake.openedCatalog()
        let file = try await compacted(catalog)
        _ = try await catalog.expire(file, Self.limits)
        let before = try await catalog.objects(limit: 10)
        var entries: [RebuildEntry]? = before.map {
            .object(Registration(announcement: $0.announcement, location: $0.location, expiredInto: file))
        }
        for object in before { try FileManager.default.removeItem(atPath: object.location) }
        let report = try await catalog.rebuild(datasets: [.prices]) {
            defer { entries = nil }
            return entries
        }
        #expect(report.registered == 2 && report.expired == 2 && report.rejected.isEmpty && report.holes.isEmpty)
        #expect(try await catalog.objects(limit: 10).map(\.announcement) == before.map(\.announcement))
        #expect(try await catalog.expirations().map(\.file) == [file])
        #expect(try await catalog.files(ofTable: "spot_prices", inSchema: "raw") == [file.location])
        #expect(try await catalog.count("lake.raw.spot_prices") == 20)
        #expect(try await catalog.compactableDays(upTo: .third).isEmpty)
    }

    @Test("a catalog that was made before there was a retention gets its table")
    func upgrades() async throws {
        let catalog = try await lake.openedCatalog()
        let file = try await compacted(catalog)
        _ = try await lake.engine.run(
            catalog.attachScript(readOnly: false) + "\nDROP TABLE lake.pregao.expirations;")
        try await catalog.open(datasets: [.prices], create: false)
        #expect(try await catalog.expirations().isEmpty)
        #expect(try await catalog.expire(file, Self.limits) == .expired)
    }
}
