import Foundation
import Lake
import MarketData
import Runtime
import Testing

@testable import Warehouse

@Suite("Maintaining the catalog", .serialized, .onEachMetadata, .timeLimit(.minutes(5)))
struct MaintenanceTests {
    private let lake: LakeFixture

    init() throws { lake = try LakeFixture() }

    private static let model = ModelDeclaration(
        name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
        sources: ["raw.spot_prices"])

    /// Publishes this version of the first day, in a file of its own.
    private func publish(version: Int64, in catalog: Catalog) async throws -> String {
        let location = "\(lake.folder)/\(version).parquet"
        _ = try await lake.engine.run(
            "COPY (SELECT \(SQL.literal(Day.first)) AS trading_day) TO \(SQL.literal(location)) (FORMAT parquet)")
        let file = Publication.File(location: location, size: 1, sha256: "\(version)", rows: 1)
        let outcomes = try await catalog.publish([
            Publication(
                model: "refined.m", day: .first, basedOn: version == 1 ? nil : version - 1, sequence: .max, file: file,
                inputs: [])
        ])
        #expect(outcomes == [.published(version: version)])
        return location.split(separator: "/").suffix(4).joined(separator: "/")
    }

    @Test("old snapshots and what only they show go; what is current stays")
    func maintains() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([Self.model])
        let objects = [try await lake.object(0..<10), try await lake.object(10..<20)]
        for object in objects { _ = try await catalog.register([object]) }
        for version in Int64(1)...3 { _ = try await publish(version: version, in: catalog) }
        let before = (
            try await catalog.objects(limit: 10), try await catalog.publications(), try await catalog.sequence()
        )

        let report = try await catalog.maintain(olderThan: Instant.plausible.upperBound)
        #expect(report.snapshots > 5)
        #expect(report.rows > 5)
        #expect(try await catalog.objects(limit: 10) == before.0)
        #expect(try await catalog.publications() == before.1)
        #expect(try await catalog.sequence() == before.2)
        #expect(try await catalog.count("lake.raw.spot_prices") == 20)
        #expect(try await catalog.count("lake.refined.m") == 1)
        #expect(try await catalog.register([objects[0], try await lake.object(20..<30)]) == [.already, .registered])
        #expect(try await catalog.count("lake.raw.spot_prices") == 30)
    }

    @Test("snapshots that are young enough stay readable")
    func keepsYoung() async throws {
        let catalog = try await lake.openedCatalog()
        let snapshot = try await catalog.newestSnapshot()
        _ = try await catalog.register([try await lake.object(0..<10)])
        let report = try await catalog.maintain(olderThan: Instant.plausible.lowerBound)
        #expect(report.snapshots == 0 && report.rows == 0)
        #expect(try await catalog.rows("FROM lake.raw.spot_prices", snapshot: snapshot).isEmpty)
    }

    @Test("the snapshot that was the newest then stays readable, however old it is")
    func keepsNewestThen() async throws {
        let catalog = try await lake.openedCatalog()
        let snapshot = try await catalog.newestSnapshot()
        let time = SystemWallClock().now()
        _ = try await catalog.register([try await lake.object(0..<10)])
        let report = try await catalog.maintain(olderThan: time)
        #expect(report.snapshots > 0)
        #expect(try await catalog.rows("FROM lake.raw.spot_prices", snapshot: snapshot).isEmpty)
    }

    @Test("refined files are released that no snapshot of the time shows; those shown, and raw ones, are not")
    func releases() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([Self.model])
        let raw = try await lake.object(0..<10)
        _ = try await catalog.register([raw])
        let first = try await publish(version: 1, in: catalog)
        let time = SystemWallClock().now()
        let second = try await publish(version: 2, in: catalog)
        let third = try await publish(version: 3, in: catalog)
        let rawKey = raw.location.split(separator: "/").suffix(4).joined(separator: "/")
        let keys = [first, second, third, "refined/refined.m/trading_day=1970-01-01/unknown.parquet", rawKey]

        // A reader may have the first still, since it was the newest then.
        #expect(try await catalog.refinedFilesShown(among: keys, since: time) == Set([first, second, third, rawKey]))
        let now = SystemWallClock().now()
        #expect(try await catalog.refinedFilesShown(among: keys, since: now) == Set([third, rawKey]))

        _ = try await catalog.maintain(olderThan: now)
        var removed: [String] = []
        let released = try await catalog.releaseRefinedFiles(among: keys, unshownSince: now) { key in
            // Nobody publishes meanwhile.
            let isFree = try await lake.isTurnFree(of: catalog)
            #expect(!isFree)
            removed.append(key)
        }
        #expect(released == [first, second, keys[3]])
        #expect(removed == released)
        #expect(try await lake.isTurnFree(of: catalog))
        let list = "\(catalog.metadata.tables).ducklake_files_scheduled_for_deletion"
        #expect(try await catalog.count(list) == 0)
        #expect(try await catalog.count("lake.refined.m") == 1)
    }

    @Test("a catalog that is written to maintains itself")
    func byItself() async throws {
        let opened = try await lake.openedCatalog()
        let catalog = Catalog(
            metadata: opened.metadata, engine: lake.engine, clock: SystemWallClock(), logger: opened.logger,
            metrics: opened.metrics, patience: opened.patience,
            upkeep: Upkeep(transactions: 3, snapshotAge: .zero), schema: opened.schema, beforeCommit: { _ in })
        for number in Int64(1)...3 {
            let object = Registration(announcement: lake.announcement(number - 1..<number, rows: 0), location: "")
            #expect(try await catalog.register([object]) == [.registered])
            let snapshots = try #require(try await catalog.count("ducklake_snapshots('lake')"))
            #expect((snapshots == 1) == (number == 3))
        }
        #expect(try await catalog.sequence() == 3)
    }
}
