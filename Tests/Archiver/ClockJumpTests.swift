import EventLog
import Lake
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

@testable import Archiver

/// At each look another day: today, tomorrow, yesterday, in turn.
private final class SwingingClock: WallClock {
    private let looks = Atomic(0)

    func now() -> Instant {
        let look = looks.wrappingAdd(1, ordering: .relaxed).oldValue
        return SystemWallClock(skewInMicroseconds: [0, 86_400_000_000, -86_400_000_000][look % 3]).now()
    }
}

@Suite("Archiver: a wall clock that jumps by a day", .timeLimit(.minutes(1)))
struct ClockJumpTests {
    @Test("Objects are archived once, under the days that they announce, and what was held back does not wait for it")
    func jumps() async throws {
        try await Archive.with { archive in
            let model = ModelDeclaration(
                name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
                sources: ["raw.prices"])
            try await archive.catalog().declare([model])
            let objects = [
                try PreparedObject(0..<10), try PreparedObject(10..<20, day: "2026-11-22"),
                try PreparedObject(0..<5, partition: 1),
            ]
            for object in objects { try await archive.land(object) }
            let clock = SwingingClock()
            var life = Archive.Life(batchCount: 1, fault: Hiccup(at: Moment(.before, .putBackup)))
            life.clock = clock
            life.catalog = try await archive.openCatalog(clock: clock)
            #expect(try await archive.liveUntilAllIsDone(life) == nil)
            try await archive.expectArchivedOnce(objects, refused: [])
            let dirty = try await archive.catalog().rows(
                "SELECT DISTINCT trading_day FROM lake.pregao.dirt ORDER BY trading_day")
            #expect(dirty.map { $0.text("trading_day") } == ["2026-11-21", "2026-11-22"])
            let metrics = life.metrics.snapshot().first { $0.series.name == "pregao_archiver_freshness_seconds" }
            guard case .histogram(let freshness) = try #require(metrics).figure else {
                throw Unexpected("no histogram")
            }
            #expect(freshness.sum >= 0)
        }
    }
}
