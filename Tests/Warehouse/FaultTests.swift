import Foundation
import MarketData
import Runtime
import Testing

@testable import Warehouse

@Suite("The catalog under faults", .serialized, .onEachMetadata, .timeLimit(.minutes(5)))
struct FaultTests {
    private let lake: LakeFixture

    init() throws { lake = try LakeFixture() }

    @Test("nothing of a registration remains where the engine dies before it commits, and a retry does it")
    func killedEngine() async throws {
        let catalog = try await lake.openedCatalog()
        let sequence = try await catalog.sequence()
        let object = try await lake.object(0..<10)
        let error = await #expect(throws: CatalogError.self) {
            _ = try await lake.catalogSharing(catalog, beforeCommit: { kill($0, SIGKILL) }).register([object])
        }
        #expect(error?.kind == .engine)
        #expect(try await catalog.objects(limit: 1).isEmpty)
        #expect(try await catalog.count("lake.raw.spot_prices") == 0)
        #expect(try await catalog.ranges().isEmpty)
        #expect(try await catalog.sequence() == sequence)
        #expect(try await catalog.register([object]) == [.registered])
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
    }

    @Test("a conversation that ends before COMMIT leaves nothing")
    func endOfInput() async throws {
        let catalog = try await lake.openedCatalog()
        let start = lake.engine.preamble + catalog.attachScript(readOnly: false)
        try await onThread { [lake] handle throws(CatalogError) in
            var session = try EngineSession(lake.engine, doing: "test", handle: handle)
            try session.run(start + "BEGIN; UPDATE lake.pregao.turn SET n = n + 100;")
            session.close()
        }
        #expect(try await catalog.sequence() < 100)
    }

    @Test("two instances that register at the same time register nothing twice and lose nothing")
    func concurrentWriters() async throws {
        let first = try await lake.openedCatalog()
        let second = try await lake.openedCatalog()
        var objects: [[Registration]] = []
        for partition in Int32(0)..<2 {
            for start in [Int64(0), 10, 20] {
                objects.append([try await lake.object(start..<start + 10, partition: partition)])
            }
        }
        // Each offers every object, in the same order; whatever one finds ahead the other has not registered yet.
        try await withThrowingTaskGroup(of: Void.self) { [objects] group in
            for catalog in [first, second] {
                group.addTask {
                    for batch in objects {
                        let outcome = try await catalog.register(batch)
                        #expect(outcome == [.registered] || outcome == [.already])
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await first.count("lake.raw.spot_prices") == 60)
        #expect(try await first.count("(SELECT DISTINCT _partition, _offset FROM lake.raw.spot_prices)") == 60)
        #expect(try await first.count("lake.pregao.objects") == 6)
        #expect(try await first.ranges().map(\.end) == [30, 30])
    }

    @Test("a reader sees whole transactions while others are written")
    func concurrentReader() async throws {
        let writer = try await lake.openedCatalog()
        let reader = lake.catalog()
        var objects: [Registration] = []
        for start in [Int64(0), 10, 20, 30] { objects.append(try await lake.object(start..<start + 10)) }
        async let writing: Void = { @Sendable [objects] () async throws -> Void in
            for object in objects { #expect(try await writer.register([object]) == [.registered]) }
        }()
        for _ in 0..<4 {
            let rows = try await reader.rows(
                """
                BEGIN; SELECT count(*) AS n FROM lake.raw.spot_prices; SELECT coalesce(sum(rows), 0)::BIGINT AS n
                FROM lake.pregao.objects; COMMIT;
                """)
            #expect(rows.count == 2 && rows[0].integer("n") == rows[1].integer("n"))
        }
        try await writing
        #expect(try await reader.count("lake.raw.spot_prices") == 40)
    }

    @Test("a lasting conflict is `busy` after as many attempts as allowed, and nothing is done")
    func conflict() async throws {
        let catalog = try await lake.openedCatalog()
        let impatient = lake.catalog(patience: Patience(attempts: 2, firstPause: .zero, longestPause: .zero))
        let start = lake.engine.preamble + catalog.attachScript(readOnly: false)
        // Another writer that does not know of turns commits between our read and our commit, each time.
        let intruding = lake.catalogSharing(
            impatient,
            beforeCommit: { [lake] _ in
                let handle = ProcessHandle()
                guard var session = try? EngineSession(lake.engine, doing: "intrude", handle: handle) else { return }
                _ = try? session.run(start + "UPDATE lake.pregao.turn SET n = n + 1;")
                session.close()
            })
        let error = await #expect(throws: CatalogError.self) {
            try await intruding.markDirty(model: "m", days: [.first])
        }
        #expect(error?.kind == .busy)
        #expect(try await catalog.dirt().isEmpty)
    }

    @Test("without a catalog, and not to make one, it is unavailable and nothing is made")
    func absent() async throws {
        let catalog = lake.catalog()
        for attempt in 0..<2 {
            let error = await #expect(throws: CatalogError.self) {
                if attempt == 0 {
                    try await catalog.open(datasets: [.prices], create: false)
                } else {
                    _ = try await catalog.rows("SELECT 1")
                }
            }
            #expect(error?.kind == .unavailable)
        }
        #expect(try await !catalog.exists())
    }

    @Test("two processes that make the catalog at the same time make one")
    func madeTwice() async throws {
        let (first, second) = (lake.catalog(), lake.catalog())
        async let one: Void = first.open(datasets: [.prices], create: true)
        async let other: Void = second.open(datasets: [.prices], create: true)
        try await one
        try await other
        #expect(try await first.count("lake.pregao.turn") == 1)
        #expect(try await first.count("lake.raw.spot_prices") == 0)
    }

    @Test("a folder may be named with quotes, blanks and other scripts", arguments: ["it's a lake; --", "日本 \"x\""])
    func strangeFolder(name: String) async throws {
        let lake = try LakeFixture(named: name)
        let catalog = try await lake.openedCatalog()
        #expect(try await catalog.register([try await lake.object(0..<10)]) == [.registered])
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
    }

    @Test("a folder whose name is a pattern is refused, since the engine could not read it")
    func patternFolder() async throws {
        let lake = try LakeFixture(named: "l[a]ke")
        let catalog = try await lake.openedCatalog()
        let object = Registration(announcement: lake.announcement(0..<10), location: "\(lake.folder)/x.parquet")
        guard case .refused(let reason) = try await catalog.register([object])[0] else { return #expect(Bool(false)) }
        #expect(reason.contains("wildcard"))
    }
}
