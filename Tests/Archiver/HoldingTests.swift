import EventLog
import Foundation
import Lake
import MarketData
import Runtime
import Testing
import Warehouse

@testable import Archiver
@testable import EventLog

@Suite("Archiver: holding back", .serialized, .timeLimit(.minutes(5)))
struct HoldingTests {
    /// What only waiting mends, and how it is mended.
    enum Obstacle: String, CaseIterable, Sendable {
        case newerVersion, missingRawFolder, missingBackupFolder, otherBytesInBackup, otherAnnouncementInBackup
        case rangeBeforeMissing
    }

    /// Two data partitions whose announcements go to different partitions of `pregao.objects`.
    private func twoPartitions() throws -> (held: Int32, other: Int32) {
        let place = { (partition: Int32) in
            Partitioner.partition(of: Array("\(pricesDataset.topic)/\(partition)".utf8), among: 2)
        }
        return (0, try #require((Int32(1)..<20).first { place($0) != place(0) }))
    }

    private func folder(_ archive: Archive, _ obstacle: Obstacle) -> String {
        obstacle == .missingRawFolder ? archive.raw.root : archive.backup.root
    }

    private func raise(_ obstacle: Obstacle, before object: PreparedObject, in archive: Archive) async throws {
        switch obstacle {
        case .newerVersion, .rangeBeforeMissing: break
        case .missingRawFolder:
            try FileManager.default.moveItem(atPath: archive.raw.root, toPath: archive.raw.root + ".away")
        case .missingBackupFolder:
            try FileManager.default.moveItem(atPath: archive.backup.root, toPath: archive.backup.root + ".away")
            try Data().write(to: URL(fileURLWithPath: archive.backup.root))
        case .otherBytesInBackup: try await archive.backup.put([1, 2, 3], at: object.key)
        case .otherAnnouncementInBackup: try await archive.backup.put([1, 2, 3], at: object.key + ".json")
        }
    }

    private func clear(_ obstacle: Obstacle, before object: PreparedObject, in archive: Archive) async throws {
        switch obstacle {
        case .newerVersion: break
        case .rangeBeforeMissing: try await archive.land(try PreparedObject(10..<20))
        case .missingRawFolder, .missingBackupFolder:
            let root = folder(archive, obstacle)
            try? FileManager.default.removeItem(atPath: root)
            try FileManager.default.moveItem(atPath: root + ".away", toPath: root)
        case .otherBytesInBackup: try await archive.backup.remove(object.key)
        case .otherAnnouncementInBackup: try await archive.backup.remove(object.key + ".json")
        }
    }

    @Test(
        "What waiting mends holds the partition back loudly, refuses nothing, and is archived once it is mended",
        arguments: Obstacle.allCases)
    func holds(_ obstacle: Obstacle) async throws {
        try await Archive.with { archive in
            let first = try PreparedObject(0..<10)
            try await archive.land(first)
            try await archive.liveUntilAllIsDone()
            let version = obstacle == .newerVersion ? 2 : 1
            let start: Int64 = obstacle == .rangeBeforeMissing ? 20 : 10
            let object = try PreparedObject(start..<start + 10, version: version)
            try await archive.land(object)
            try await raise(obstacle, before: object, in: archive)
            let old = Dataset(
                name: pricesDataset.name, description: "Before it grew.", keyColumn: pricesDataset.keyColumn,
                tradingDay: pricesDataset.tradingDay, columns: pricesDataset.columns(ofVersion: 1))
            let lines = Lines()
            var life = Archive.Life(datasets: obstacle == .newerVersion ? [old] : [pricesDataset])
            life.catalog = obstacle == .newerVersion ? try await archive.openCatalog([old]) : nil
            life.endsWhenHeld(times: 3)
            life.lines = { [ends = life.lines] in
                lines.add($0)
                ends?($0)
            }
            #expect(try await archive.live(life) { _ in false } == nil)
            #expect(try await archive.done() == 1)
            #expect(lines.all.contains { $0.contains("held back") && $0.contains("reason=") })
            #expect(life.metrics.gauge("pregao_archiver_held_partitions") == 1)
            try await clear(obstacle, before: object, in: archive)
            let between = obstacle == .rangeBeforeMissing ? [try PreparedObject(10..<20)] : []
            #expect(try await archive.liveUntilAllIsDone() == nil)
            try await archive.expectArchivedOnce([first, object] + between, refused: [])
        }
    }

    @Test("While one partition is held, the others go on")
    func othersGoOn() async throws {
        try await Archive.with { archive in
            let (held, other) = try twoPartitions()
            let damaged = try PreparedObject(0..<10, partition: held)
            let objects = try (0..<4).map { try PreparedObject(Int64($0) * 5..<Int64($0) * 5 + 5, partition: other) }
            try await archive.backup.put([1, 2, 3], at: damaged.key)
            try await archive.land(damaged)
            for object in objects { try await archive.land(object) }
            let life = Archive.Life(batchCount: 2)
            #expect(try await archive.live(life) { $0.values.reduce(0, +) == 4 } == nil)
            try await archive.backup.remove(damaged.key)
            try await archive.liveUntilAllIsDone()
            try await archive.expectArchivedOnce([damaged] + objects, refused: [])
        }
    }

    @Test("A store that refuses for a while has nothing dead-lettered", arguments: [Moment.Call.read, .putBackup])
    func refusesForAWhile(call: Moment.Call) async throws {
        try await Archive.with { archive in
            let objects = try (0..<3).map { try PreparedObject(Int64($0) * 5..<Int64($0) * 5 + 5) }
            for object in objects { try await archive.land(object) }
            let life = Archive.Life(fault: Hiccup(at: Moment(.before, call), times: 60))
            #expect(try await archive.liveUntilAllIsDone(life) == nil)
            try await archive.expectArchivedOnce(objects, refused: [])
        }
    }
}

extension Metrics {
    func gauge(_ name: String) -> Double? {
        guard case .gauge(let value) = snapshot().first(where: { $0.series.name == name })?.figure else { return nil }
        return value
    }
}
