import EventLog
import Lake
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

@testable import Archiver

@Suite("Archiver: archiving", .serialized, .timeLimit(.minutes(5)))
struct ArchivingTests {
    @Test("Announcements that retention took before the group's first start are an error in its lines")
    func lostBeforeTheFirstStart() async throws {
        try await Archive.with(partitions: 1) { archive in
            let log = try await archive.openLog()
            let age = Retention(.delete(age: .seconds(60), bytes: nil))
            try await log.declare(TopicDeclaration(name: Announcement.topic, partitions: 1, retention: age))
            try await archive.land(try PreparedObject(0..<10))
            try await log.applyRetention(now: SystemWallClock().now().adding(microseconds: 3_600_000_000))
            await log.close()
            try await archive.land(try PreparedObject(10..<20))
            let lines = Mutex<[String]>([])
            var life = Archive.Life()
            life.lines = { line in lines.withLock { $0.append(line) } }
            try await archive.liveUntilAllIsDone(life)
            let told = lines.withLock { $0 }.filter { $0.contains("lost to retention") }
            #expect(told.count == 1)
            #expect(told.first?.contains("from=0") == true && told.first?.contains("to=1") == true)
        }
    }

    @Test("Announced objects are copied with their announcements, registered, and their days marked dirty")
    func archives() async throws {
        try await Archive.with { archive in
            let model = ModelDeclaration(
                name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
                sources: ["raw.prices"])
            try await archive.catalog().declare([model])
            let objects = [
                try PreparedObject(0..<10), try PreparedObject(10..<20, day: "2026-11-22"),
                try PreparedObject(0..<5, partition: 1), try PreparedObject(5..<9, partition: 1, isEmpty: true),
                try PreparedObject(9..<12, partition: 1, version: 2),
            ]
            for object in objects { try await archive.land(object) }
            let life = Archive.Life()
            #expect(try await archive.liveUntilAllIsDone(life) == nil)
            try await archive.expectArchivedOnce(objects, refused: [])
            let ranges = try await archive.catalog().ranges()
            #expect(ranges.map(\.start) == [0, 0] && ranges.map(\.end) == [20, 12])
            let dirty = try await archive.catalog().rows(
                "SELECT trading_day FROM lake.pregao.dirt ORDER BY trading_day")
            #expect(dirty.map { $0.text("trading_day") } == ["2026-11-21", "2026-11-22"])
            let counted = life.metrics.snapshot().first { $0.series.name == "pregao_archiver_objects_total" }
            guard case .counter(5) = try #require(counted).figure else {
                throw Unexpected("\(String(describing: counted))")
            }
            let freshness = life.metrics.snapshot().first { $0.series.name == "pregao_archiver_freshness_seconds" }
            guard case .histogram(let histogram) = try #require(freshness).figure else {
                throw Unexpected("no histogram")
            }
            #expect(histogram.counts.reduce(0, +) == 5)
        }
    }

    @Test("A shutdown lets what was announced before it be archived, in however many batches")
    func drains() async throws {
        try await Archive.with { archive in
            let objects = try (0..<12).map { try PreparedObject(Int64($0) * 5..<Int64($0) * 5 + 5) }
            for object in objects { try await archive.land(object) }
            // Requested with the first of several commits.
            #expect(try await archive.live(Archive.Life(batchCount: 2)) { !$0.isEmpty } == nil)
            try await archive.expectArchivedOnce(objects, refused: [])
        }
    }

    @Test("What waits at a shutdown is read to its end first, and archived in one batch, whatever partition it is in")
    func drainsAtOnce() async throws {
        try await Archive.with(partitions: 4) { archive in
            let objects = try (0..<4).flatMap { partition in
                try (0..<2).map { try PreparedObject(Int64($0) * 5..<Int64($0) * 5 + 5, partition: Int32(partition)) }
            }
            for object in objects { try await archive.land(object) }
            var life = Archive.Life()
            life.lines = { [shutdown = life.shutdown] line in
                if line.contains("partitions assigned") { shutdown.request() }
            }
            let commits = Mutex(0)
            let error = try await archive.live(life) { positions in
                if !positions.isEmpty { commits.withLock { $0 += 1 } }
                return false
            }
            #expect(error == nil)
            #expect(commits.withLock { $0 } == 1)
            try await archive.expectArchivedOnce(objects, refused: [])
        }
    }

    @Test("A key that is announced again, at another time, registers nothing twice and keeps the first announcement")
    func twice() async throws {
        try await Archive.with { archive in
            let object = try PreparedObject(0..<10)
            let later = object.announcement.with(announcedAt: Instant(microseconds: 1_795_262_500_000_000))
            try await archive.land(object, object)
            try await archive.liveUntilAllIsDone()
            try await archive.send(later.json())
            try await archive.liveUntilAllIsDone()
            try await archive.expectArchivedOnce([object], refused: [])
        }
    }

    @Test("An object that was lost after it was registered is not refused when it is announced again")
    func lostLater() async throws {
        try await Archive.with { archive in
            let object = try PreparedObject(0..<10)
            try await archive.land(object)
            try await archive.liveUntilAllIsDone()
            try await archive.raw.remove(object.key)
            try await archive.announce([object])
            try await archive.liveUntilAllIsDone()
            #expect(try await archive.statuses() == [object.key: .registered])
            #expect(try await archive.deadLetters().isEmpty)
        }
    }

    @Test("More objects than fit into memory or are copied at once are archived all the same")
    func many() async throws {
        try await Archive.with(partitions: 4) { archive in
            let objects = try (0..<8).flatMap { partition in
                try (0..<5).map { try PreparedObject(Int64($0) * 3..<Int64($0) * 3 + 3, partition: Int32(partition)) }
            }
            for object in objects { try await archive.land(object) }
            try await archive.liveUntilAllIsDone(Archive.Life(batchCount: 7))
            try await archive.expectArchivedOnce(objects, refused: [])
        }
    }
}

struct Unexpected: Error {
    let what: String

    init(_ what: String) { self.what = what }
}
