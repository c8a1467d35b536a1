import Foundation
import Lake
import MarketData
import Testing

@testable import Warehouse

@Suite("Registering raw objects", .serialized, .onEachMetadata, .timeLimit(.minutes(5)))
struct RegistrationTests {
    private let lake: LakeFixture

    init() throws { lake = try LakeFixture() }

    @Test("a registered object can be read in the raw table and is in the ledger")
    func registers() async throws {
        let catalog = try await lake.openedCatalog()
        let object = try await lake.object(0..<10, days: [.first, .second])
        #expect(try await catalog.register([object]) == [.registered])
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
        let ledger = try await catalog.objects(limit: 10)
        #expect(ledger.map(\.announcement) == [object.announcement])
        #expect(ledger.map(\.status) == [.registered])
        #expect(ledger.map(\.location) == [object.location])
        #expect(try await catalog.ranges().map { [$0.start, $0.end] } == [[0, 10]])
        #expect(try await catalog.files(ofTable: "spot_prices", inSchema: "raw") == [object.location])
    }

    @Test("a key that is registered again is already there, in the same batch and in a later one")
    func twice() async throws {
        let catalog = try await lake.openedCatalog()
        let object = try await lake.object(0..<10)
        #expect(try await catalog.register([object, object]) == [.registered, .already])
        #expect(try await catalog.register([object]) == [.already])
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
        #expect(try await catalog.count("lake.pregao.objects") == 1)
    }

    @Test("ranges append: an overlap is refused, a hole is waited for, and the rest of the batch goes on")
    func ranges() async throws {
        let catalog = try await lake.openedCatalog()
        let first = try await lake.object(0..<10)
        let overlapping = try await lake.object(5..<15, tag: "b")
        let beyond = try await lake.object(20..<30)
        let other = try await lake.object(100..<110, partition: 1)
        let outcomes = try await catalog.register([first, overlapping, beyond, other])
        #expect(outcomes[0] == .registered)
        guard case .refused(let reason) = outcomes[1] else { return #expect(Bool(false), "\(outcomes[1])") }
        #expect(reason.contains("[5, 15) overlaps"))
        #expect(outcomes[2...] == [.ahead(expected: 10), .registered])
        let between = try await lake.object(10..<20)
        #expect(try await catalog.register([between, beyond]) == [.registered, .registered])
        #expect(try await catalog.ranges().map { [$0.start, $0.end] } == [[0, 30], [100, 110]])
        #expect(try await catalog.count("lake.raw.spot_prices") == 40)
    }

    @Test("an object without rows is in the ledger and not in the raw table")
    func empty() async throws {
        let catalog = try await lake.openedCatalog()
        let empty = Registration(announcement: lake.announcement(0..<10, rows: 0), location: "\(lake.folder)/none")
        #expect(try await catalog.register([empty]) == [.registered])
        #expect(try await catalog.count("lake.raw.spot_prices") == 0)
        let ledger = try await catalog.objects(limit: 10)
        #expect(ledger.map(\.status) == [.empty])
        #expect(ledger.map(\.reason) == ["all-rejected"])
        #expect(try await catalog.ranges().map(\.end) == [10])
    }

    @Test("a refused object covers its range, the next goes on, and a replay registers it")
    func refusal() async throws {
        let catalog = try await lake.openedCatalog()
        let lost = try await lake.object(0..<10)
        let next = try await lake.object(10..<20)
        #expect(try await catalog.refuse(lost.announcement, reason: "absent") == .refused("absent"))
        #expect(try await catalog.refuse(lost.announcement, reason: "absent") == .already)
        #expect(try await catalog.register([next]) == [.registered])
        #expect(try await catalog.objects(limit: 10).map(\.status) == [.refused, .registered])
        #expect(try await catalog.register([lost]) == [.registered])
        #expect(try await catalog.objects(limit: 10).map(\.status) == [.registered, .registered])
        #expect(try await catalog.count("lake.raw.spot_prices") == 20)
        #expect(try await catalog.count("lake.pregao.object_days") == 2)
    }

    @Test("the refusal of an overlapping range covers nothing and cannot be replayed")
    func refusedOverlap() async throws {
        let catalog = try await lake.openedCatalog()
        let first = try await lake.object(0..<10)
        let overlapping = try await lake.object(5..<10, tag: "b")
        #expect(try await catalog.register([first]) == [.registered])
        #expect(try await catalog.refuse(overlapping.announcement, reason: "overlaps") == .refused("overlaps"))
        #expect(try await catalog.ranges().map(\.end) == [10])
        guard case .refused = try await catalog.register([overlapping])[0] else { return #expect(Bool(false)) }
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
    }

    @Test("an object that the engine cannot add is refused alone")
    func notParquet() async throws {
        let catalog = try await lake.openedCatalog()
        let good = try await lake.object(0..<10)
        let bad = try await lake.object(0..<10, partition: 1)
        try Data("not Parquet, but as long as one would be".utf8).write(to: URL(fileURLWithPath: bad.location))
        let outcomes = try await catalog.register([bad, good])
        guard case .refused = outcomes[0] else { return #expect(Bool(false), "\(outcomes)") }
        #expect(outcomes[1] == .registered)
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
    }

    @Test("what this program cannot know is refused", arguments: [("strange", 1), ("spot-prices", 2)])
    func unknown(dataset: String, version: Int) async throws {
        let catalog = try await lake.openedCatalog()
        let it = lake.announcement(0..<10)
        let announcement = Announcement(
            bucket: it.bucket, key: it.key, size: it.size, sha256: it.sha256, dataset: dataset, schemaVersion: version,
            epoch: it.epoch, topic: it.topic, partition: it.partition, start: it.start, end: it.end, rows: it.rows,
            rejected: 0, emptyReason: nil, days: it.days, announcedAt: it.announcedAt)
        let outcomes = try await catalog.register([Registration(announcement: announcement, location: "/x")])
        guard case .refused = outcomes[0] else { return #expect(Bool(false), "\(outcomes)") }
    }

    @Test("a new column comes in the transaction that adds its first file; older files give NULL")
    func newColumn() async throws {
        let old = try await lake.openedCatalog()
        let first = try await lake.object(0..<10)
        #expect(try await old.register([first]) == [.registered])
        let second = try await lake.object(10..<20, version: 2, dataset: .grownPrices)

        let dying = lake.catalog(beforeCommit: { kill($0, SIGKILL) })
        dying.schema.replace(by: [.grownPrices])
        await #expect(throws: CatalogError.self) { _ = try await dying.register([second]) }
        let columns = "duckdb_columns() WHERE database_name = 'lake' AND column_name = 'venue'"
        #expect(try await old.count(columns) == 0)

        let new = lake.catalog()
        new.schema.replace(by: [.grownPrices])
        #expect(try await new.register([second]) == [.registered])
        #expect(try await new.count(columns) == 1)
        #expect(try await new.count("lake.raw.spot_prices WHERE venue IS NULL") == 10)
        let third = try await lake.object(20..<30)
        #expect(try await new.register([third]) == [.registered])
        #expect(try await new.count("lake.raw.spot_prices WHERE venue = 'a'") == 10)
        #expect(try await new.count("lake.raw.spot_prices") == 30)
    }

    @Test("three hundred objects are registered with as few exchanges as one")
    func many() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([
            ModelDeclaration(
                name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
                sources: ["raw.spot_prices"])
        ])
        let first = try await lake.object(0..<2)
        _ = try await catalog.register([first])
        let alone = catalog.metrics.exchanges
        var batch: [Registration] = []
        for number in Int64(1)...300 {
            let announcement = lake.announcement(number * 2..<number * 2 + 2)
            let location = "\(lake.folder)/\(number).parquet"
            try FileManager.default.copyItem(atPath: first.location, toPath: location)
            batch.append(Registration(announcement: announcement, location: location))
        }
        let before = catalog.metrics.exchanges
        #expect(try await catalog.register(Array(batch.dropLast())).allSatisfy { $0 == .registered })
        let many = catalog.metrics.exchanges - before
        #expect(try await catalog.register([batch[299]]) == [.registered])
        #expect(catalog.metrics.exchanges - before - many == many)
        #expect(alone > 0)
        #expect(try await catalog.count("lake.raw.spot_prices") == 602)
        #expect(try await catalog.objects(limit: 1000).count == 301)
    }
}
