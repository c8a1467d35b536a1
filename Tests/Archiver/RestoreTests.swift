import Lake
import MarketData
import Testing
import Warehouse

@testable import Archiver

@Suite("Restore", .serialized, .timeLimit(.minutes(5)))
struct RestoreTests {
    enum Damage: String, CaseIterable, Sendable { case lost, truncated, altered }

    private func damage(_ object: PreparedObject, _ damage: Damage, in store: some ObjectStore) async throws {
        try await store.remove(object.key)
        switch damage {
        case .lost: break
        case .truncated: try await store.put(Array(object.bytes.dropLast()), at: object.key)
        case .altered:
            var bytes = object.bytes
            bytes[bytes.count / 2] ^= 1
            try await store.put(bytes, at: object.key)
        }
    }

    private func archived(_ archive: Archive) async throws -> [PreparedObject] {
        let objects = [
            try PreparedObject(0..<10), try PreparedObject(10..<20), try PreparedObject(20..<25, isEmpty: true),
        ]
        for object in objects { try await archive.land(object) }
        try await archive.send(try PreparedObject(25..<30).message)
        try await archive.liveUntilAllIsDone()
        return objects
    }

    @Test(
        "A lost or damaged raw object is brought back from backup, byte for byte; the others are left alone",
        arguments: Damage.allCases, [false, true])
    func restores(_ damage: Damage, full: Bool) async throws {
        try await Archive.with { archive in
            let objects = try await archived(archive)
            try await self.damage(objects[1], damage, in: archive.raw)
            let restore = Restore(raw: archive.raw, backup: archive.backup, catalog: try await archive.catalog())
            var seen: [Int] = []
            let report = try await restore.run(full: full) { done, total in
                #expect(total == 3)
                seen.append(done)
            }
            // A changed byte is seen only by reading.
            let isSeen = full || damage != .altered
            #expect(report.restored == (isSeen ? [objects[1].key] : []))
            #expect(report.failed.isEmpty)
            #expect(seen == [1, 2, 3])
            if isSeen { #expect(try await archive.raw.read(objects[1].key) == objects[1].bytes) }
        }
    }

    @Test(
        "The other way, a lost or damaged backup is replaced from raw, byte for byte; the others are left alone",
        arguments: Damage.allCases, [false, true])
    func mendsBackup(_ damage: Damage, full: Bool) async throws {
        try await Archive.with { archive in
            let objects = try await archived(archive)
            try await self.damage(objects[1], damage, in: archive.backup)
            let restore = Restore(raw: archive.raw, backup: archive.backup, catalog: try await archive.catalog())
            let report = try await restore.run(.backupFromRaw, full: full)
            let isSeen = full || damage != .altered
            #expect(report.restored == (isSeen ? [objects[1].key] : []))
            #expect(report.announcementsWritten.isEmpty)
            #expect(report.failed.isEmpty)
            #expect(report.examined == 3)
            if isSeen { #expect(try await archive.backup.read(objects[1].key) == objects[1].bytes) }
        }
    }

    @Test("Where raw is damaged too, the backup stays as it is", arguments: Damage.allCases)
    func damagedRaw(_ damage: Damage) async throws {
        try await Archive.with { archive in
            let objects = try await archived(archive)
            try await self.damage(objects[0], .truncated, in: archive.backup)
            try await self.damage(objects[0], damage, in: archive.raw)
            let restore = Restore(raw: archive.raw, backup: archive.backup, catalog: try await archive.catalog())
            let report = try await restore.run(.backupFromRaw, full: true)
            #expect(report.restored.isEmpty)
            #expect(report.failed.map(\.key) == [objects[0].key])
            #expect(try await archive.backup.size(of: objects[0].key) == objects[0].announcement.size - 1)
        }
    }

    @Test("An announcement that backup lacks, cannot read or has of another object is written from the ledger")
    func mendsAnnouncements() async throws {
        try await Archive.with { archive in
            let objects = try await archived(archive)
            let keys = objects.map { $0.key + ".json" }
            let other = try await archive.backup.read(keys[0])
            for key in keys { try await archive.backup.remove(key) }
            try await archive.backup.put(Array("{".utf8), at: keys[1])
            try await archive.backup.put(other, at: keys[2])
            let restore = Restore(raw: archive.raw, backup: archive.backup, catalog: try await archive.catalog())
            let report = try await restore.run(.backupFromRaw, full: false)
            #expect(report.announcementsWritten == keys)
            #expect(report.restored.isEmpty && report.failed.isEmpty)
            for (key, object) in zip(keys, objects) {
                let written = try Announcement.parse(try await archive.backup.read(key)).first
                #expect(written == object.announcement)
            }
            #expect(try await restore.run(.backupFromRaw, full: true).announcementsWritten.isEmpty)
        }
    }

    @Test(
        "Where backup is damaged too, that is reported, the raw object stays as it is, and the others are restored",
        arguments: Damage.allCases)
    func damagedBackup(_ damage: Damage) async throws {
        try await Archive.with { archive in
            let objects = try await archived(archive)
            try await self.damage(objects[0], .truncated, in: archive.raw)
            try await self.damage(objects[0], damage, in: archive.backup)
            try await self.damage(objects[1], .lost, in: archive.raw)
            let restore = Restore(raw: archive.raw, backup: archive.backup, catalog: try await archive.catalog())
            let report = try await restore.run(full: true)
            #expect(report.restored == [objects[1].key])
            #expect(report.failed.map(\.key) == [objects[0].key])
            #expect(try await archive.raw.size(of: objects[0].key) == objects[0].announcement.size - 1)
        }
    }
}
