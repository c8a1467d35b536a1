import Foundation
import Lake
import MarketData
import Runtime
import Testing
import Warehouse

@testable import Archiver

@Suite("Rebuild", .serialized, .timeLimit(.minutes(5)))
struct RebuildTests {
    /// What of the ledger does not tell when it was written.
    private struct Entry: Hashable {
        let announcement: Announcement
        let location: String
        let status: LedgerStatus
        let reason: String?
    }

    private struct Contents: Equatable {
        let entries: [Entry]
        let ranges: [LedgerRange]
        let rows: [String]
    }

    private func contents(_ archive: Archive) async throws -> Contents {
        let catalog = try await archive.catalog()
        let entries = try await catalog.objects(limit: 1000).map {
            Entry(announcement: $0.announcement, location: $0.location, status: $0.status, reason: $0.reason)
        }
        return Contents(entries: entries, ranges: try await catalog.ranges(), rows: try await archive.rawRows())
    }

    /// Registered, empty, absent, hostile, overlapping, replayed and unreadable ones.
    private func archiveAll(_ archive: Archive) async throws {
        try await archive.land(try PreparedObject(0..<10), try PreparedObject(10..<20))
        let replayed = try PreparedObject(0..<5, partition: 1)
        try await archive.send(replayed.message, partition: 1)
        try await archive.land(
            try PreparedObject(5..<8, partition: 1), try PreparedObject(8..<9, partition: 1, isEmpty: true))
        // Overlapping: it sorts before the one that is registered.
        try await archive.land(try PreparedObject(20..<30))
        try await archive.land(try PreparedObject(20..<25, tag: "overlapping"))
        try await archive.announce([try PreparedObject(30..<35)])
        try await archive.send(try PreparedObject(35..<36).announcement.with(key: "../../hostile").json())
        try await archive.send(
            try PreparedObject(36..<40).announcement.with(key: "/stray", start: 1_000_000, end: 2_000_000).json())
        try await archive.send(Array("not JSON".utf8))
        try await archive.land(try PreparedObject(36..<40, version: 2))
        try await archive.liveUntilAllIsDone()
        try await archive.land(replayed)
        try await archive.liveUntilAllIsDone()
    }

    private func rebuild(_ archive: Archive) async throws -> Rebuild.Report {
        let catalog = Catalog(
            folder: archive.catalogFolder, engine: DuckDB(location: try .discover()),
            logger: Logger(component: "test", sink: { _ in }), metrics: Metrics())
        let rebuild = Rebuild(backup: archive.backup, raw: archive.raw, catalog: catalog, datasets: [pricesDataset])
        return try await rebuild.run()
    }

    @Test("From backup alone the catalog becomes what it was, refusals as refused, and every day dirty")
    func rebuilds() async throws {
        try await Archive.with { archive in
            try await archiveAll(archive)
            let before = try await contents(archive)
            #expect(before.entries.count(where: { $0.status == .refused }) == 3)
            try FileManager.default.removeItem(atPath: archive.catalogFolder)
            let report = try await rebuild(archive)
            let after = try await contents(archive)
            #expect(after.entries == before.entries)
            #expect(after.ranges == before.ranges)
            #expect(after.rows == before.rows)
            #expect(report.catalog.registered == 7)
            #expect(report.catalog.refused == 3)
            #expect(report.catalog.rejected.isEmpty)
            #expect(report.catalog.holes.isEmpty)
            #expect(report.faults.isEmpty)
            let catalog = try await archive.catalog()
            try await catalog.declare([
                ModelDeclaration(
                    name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
                    sources: ["raw.prices"])
            ])
            let dirt = try await catalog.rows("SELECT DISTINCT trading_day FROM lake.pregao.dirt")
            #expect(dirt.map { $0.text("trading_day") } == ["2026-11-21"])
        }
    }

    @Test("Raw objects that are lost too come back from backup; an orphan in raw stays out")
    func rawIsLost() async throws {
        try await Archive.with { archive in
            try await archiveAll(archive)
            let before = try await contents(archive)
            try FileManager.default.removeItem(atPath: archive.catalogFolder)
            for object in try await archive.raw.list(prefix: "raw/", after: nil, limit: 100) {
                try await archive.raw.remove(object.key)
            }
            let orphan = try PreparedObject(0..<12, tag: "orphan")
            try await archive.raw.put(orphan.bytes, at: orphan.key)
            let report = try await rebuild(archive)
            #expect(try await contents(archive) == before)
            #expect(report.restored.count == 7)
        }
    }

    @Test("What of backup is damaged is reported, with the hole that it leaves, and the rest is there")
    func damagedBackup() async throws {
        try await Archive.with { archive in
            let objects = try (0..<3).map { try PreparedObject(Int64($0) * 5..<Int64($0) * 5 + 5) }
            for object in objects { try await archive.land(object) }
            try await archive.liveUntilAllIsDone()
            let damaged = objects[1].key + ".json"
            try await archive.backup.remove(damaged)
            try await archive.backup.put(Array("{".utf8), at: damaged)
            try await archive.backup.put(Array("{}".utf8), at: "ledger/refused/by-hand.json")
            let report = try await rebuild(archive)
            #expect(report.faults.map(\.key) == ["ledger/refused/by-hand.json", damaged])
            #expect(report.catalog.holes.map(\.start) == [5] && report.catalog.holes.map(\.end) == [10])
            #expect(try await archive.rawRows().count == 10)
        }
    }

    @Test("Where backup cannot be read, the catalog stays as it was")
    func unreadableBackup() async throws {
        try await Archive.with { archive in
            try await archiveAll(archive)
            let before = try await contents(archive)
            try FileManager.default.moveItem(atPath: archive.backup.root, toPath: archive.backup.root + ".away")
            let error = await #expect(throws: StoreError.self) { try await rebuild(archive) }
            #expect(error?.kind == .unavailable)
            #expect(try await contents(archive) == before)
        }
    }

    @Test("After a rebuild the archiver goes on where it was")
    func goesOn() async throws {
        try await Archive.with { archive in
            let first = try PreparedObject(0..<10)
            let second = try PreparedObject(10..<20)
            try await archive.land(first)
            try await archive.liveUntilAllIsDone()
            _ = try await rebuild(archive)
            try await archive.land(first, second)
            try await archive.liveUntilAllIsDone()
            try await archive.expectArchivedOnce([first, second], refused: [])
        }
    }
}
