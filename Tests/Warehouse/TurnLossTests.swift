import Foundation
import MarketData
import PostgresTesting
import Synchronization
import Testing

@testable import Warehouse

/// What is done in the turn of the one writer, apart from transactions, on PostgreSQL.
@Suite("A turn that stands still", .serialized, .timeLimit(.minutes(5)))
struct TurnLossTests {
    private let lake: LakeFixture
    private let brief = Patience(turn: .milliseconds(100), transaction: .seconds(2))

    init() throws {
        lake = try MetadataKind.$current.withValue(.postgres) { try LakeFixture() }
    }

    private var schema: String { (lake.metadata as? PostgresMetadata)?.server.schema ?? "" }

    private func server() throws -> PostgresServer { try #require(lake.metadata as? PostgresMetadata).server }

    /// Another process' catalog, whose turn the server ends after little more than four seconds.
    private func briefCatalog() -> Catalog {
        let catalog = lake.catalog(patience: brief)
        catalog.schema.replace(by: [.prices])
        return catalog
    }

    @Test("the next writer has it, and no file is removed when the work wakes")
    func removal() async throws {
        let catalog = try await lake.openedCatalog()
        let frozen = briefCatalog()
        let keys = [
            "refined/refined.m/trading_day=2026-01-01/1.parquet", "refined/refined.m/trading_day=2026-01-01/2.parquet",
        ]
        let removed = Mutex<[String]>([])
        let error = await #expect(throws: CatalogError.self) {
            try await frozen.releaseRefinedFiles(among: keys, unshownSince: Day.first.startInUTC) { key in
                removed.withLock { $0.append(key) }
                // Waits until the server has ended the turn.
                try await catalog.markDirty(model: "m", days: [.first])
            }
        }
        #expect(error?.kind == .busy)
        #expect(try await catalog.dirt().count == 1)
        #expect(removed.withLock { $0 } == [keys[0]])
    }

    @Test("a rebuild that stood still replaces nothing")
    func rebuild() async throws {
        let catalog = try await lake.openedCatalog()
        let objects = [try await lake.object(0..<10), try await lake.object(10..<20)]
        _ = try await catalog.register([objects[0]])
        let frozen = briefCatalog()
        var pages = [[RebuildEntry.object(objects[0])]]
        let error = await #expect(throws: CatalogError.self) {
            _ = try await frozen.rebuild(datasets: [.prices]) {
                guard let page = pages.popLast() else { return nil }
                _ = try await catalog.register([objects[1]])
                return page
            }
        }
        #expect(error?.kind == .busy)
        #expect(error?.cause.contains("catalog.timeout") == true)
        #expect(try await catalog.count("lake.raw.spot_prices") == 20)
        #expect(try await !lake.keepsReplaced(catalog))
    }

    enum Step: CaseIterable { case remove, replace }

    @Test("where it was lost, a replacement is neither removed nor put in place", arguments: Step.allCases)
    func replacement(step: Step) async throws {
        let catalog = try await lake.openedCatalog()
        let frozen = briefCatalog()
        let turn = try await frozen.takeTurn("test")
        try await catalog.markDirty(model: "m", days: [.first])
        let others = catalog.replacement().metadata
        let server = try server()
        try await lake.run(
            "CREATE SCHEMA \(schema)_new; CREATE TABLE \(schema)_new.ducklake_metadata (i INT)", on: server)
        await #expect(throws: CatalogError.self) {
            switch step {
            case .remove: try await others.remove(engine: lake.engine, patience: brief, holding: turn)
            case .replace: try await frozen.metadata.replace(by: others, holding: turn)
            }
        }
        #expect(try await lake.answer("to_regclass('\(schema)_new.ducklake_metadata') IS NOT NULL", of: server))
        #expect(try await catalog.dirt().count == 1)
    }

    @Test("who goes on asking keeps it, however long the work is")
    func kept() async throws {
        _ = try await lake.openedCatalog()
        let catalog = briefCatalog()
        let turn = try await catalog.takeTurn("test")
        let end = ContinuousClock.now + brief.turn + brief.transaction * 2 + .seconds(2)
        while ContinuousClock.now < end { try await turn.confirmed() }
        #expect(try await !lake.isTurnFree(of: catalog))
        withExtendedLifetime(turn) {}
    }
}
