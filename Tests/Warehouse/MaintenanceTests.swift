import Foundation
import Lake
import MarketData
import Runtime
import Testing

@testable import Warehouse

@Suite("Maintaining the catalog", .serialized, .timeLimit(.minutes(5)))
struct MaintenanceTests {
    private let lake: LakeFixture

    init() throws { lake = try LakeFixture() }

    @Test("old snapshots and what only they show go; what is current stays, and raw files are never retired")
    func maintains() async throws {
        let catalog = try await lake.openedCatalog()
        let model = ModelDeclaration(
            name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
            sources: ["raw.spot_prices"])
        try await catalog.declare([model])
        let objects = [try await lake.object(0..<10), try await lake.object(10..<20)]
        for object in objects { _ = try await catalog.register([object]) }
        var replaced: [String] = []
        for version in Int64(0)..<3 {
            let location = "\(lake.folder)/\(version).parquet"
            _ = try await lake.engine.run(
                "COPY (SELECT \(SQL.literal(Day.first)) AS trading_day) TO \(SQL.literal(location)) (FORMAT parquet)")
            let file = Publication.File(location: location, size: 1, sha256: "\(version)", rows: 1)
            _ = try await catalog.publish([
                Publication(
                    model: "refined.m", day: .first, basedOn: version == 0 ? nil : version, sequence: .max, file: file,
                    inputs: [])
            ])
            replaced.append(location)
        }
        let before = (
            try await catalog.objects(limit: 10), try await catalog.publications(), try await catalog.sequence()
        )

        let report = try await catalog.maintain(olderThan: Instant.plausible.upperBound)
        #expect(report.snapshots > 5)
        #expect(report.rows > 5)
        #expect(try await catalog.retiredFiles(before: .plausible.upperBound) == Array(replaced.dropLast()))
        #expect(try await catalog.retiredFiles(before: .plausible.lowerBound).isEmpty)
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

    @Test("a catalog that is written to maintains itself")
    func byItself() async throws {
        let opened = try await lake.openedCatalog()
        let catalog = Catalog(
            files: opened.files, engine: lake.engine, clock: SystemWallClock(), logger: opened.logger,
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
