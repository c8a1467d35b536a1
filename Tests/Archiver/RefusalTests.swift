import EventLog
import Foundation
import Lake
import MarketData
import Testing
import Warehouse

@testable import Archiver

@Suite("Archiver: refusing", .serialized, .timeLimit(.minutes(5)))
struct RefusalTests {
    /// What cannot be archived, between two objects that can.
    enum Damage: String, CaseIterable, Sendable {
        case absent, otherBytes, shortened, hostileKey, unknownDataset, noParquet, overlapping, contradictory, notJSON
        case tombstone, twoRecords

        var reason: RefusalReason {
            switch self {
            case .absent: .absent
            case .otherBytes, .shortened: .contentDiffers
            case .hostileKey: .misnamed
            case .unknownDataset: .unknownDataset
            case .noParquet: .notRegistrable
            case .overlapping: .overlap
            case .contradictory: .contradictory
            case .notJSON, .tombstone, .twoRecords: .unreadable
            }
        }

        /// Whether the ledger keeps the announced range, so that the next object's stands right behind it.
        var takesTheRange: Bool {
            switch self {
            case .overlapping, .contradictory, .notJSON, .tombstone, .twoRecords: false
            default: true
            }
        }
    }

    /// - Returns: where the damaged one's message is, and the key that it announces, if any.
    private func send(_ damage: Damage, to archive: Archive) async throws -> (position: LogPosition, key: String?) {
        let object = try PreparedObject(10..<20)
        var announcement: Announcement? = object.announcement
        var message: [UInt8]?
        var bytes: [UInt8]? = object.bytes
        switch damage {
        case .absent: bytes = nil
        case .otherBytes: bytes?[20] ^= 1
        case .shortened: bytes?.removeLast()
        case .hostileKey: announcement = object.announcement.with(key: "../../../etc/passwd")
        case .unknownDataset: announcement = try object.announcement.with(dataset: "unheard-of").renamed()
        case .noParquet: (announcement, bytes) = try noParquet(object.announcement)
        case .overlapping:
            let overlapping = try PreparedObject(5..<20, tag: "other")
            announcement = overlapping.announcement
            bytes = overlapping.bytes
        case .contradictory: announcement = object.announcement.with(end: 19)
        case .notJSON: (announcement, message) = (nil, Array("not JSON".utf8))
        case .tombstone: announcement = nil
        case .twoRecords:
            let text = String(decoding: object.message, as: UTF8.self)
            let record = text.dropFirst(#"{"Records":["#.count).dropLast(2)
            (announcement, message) = (nil, Array(#"{"Records":[\#(record),\#(record)]}"#.utf8))
        }
        if let announcement {
            message = announcement.json()
            if let bytes, RawObjectName(key: announcement.key) != nil {
                try await archive.raw.put(bytes, at: announcement.key)
            }
        }
        return (try await archive.send(message), announcement?.key)
    }

    private func noParquet(_ announcement: Announcement) throws -> (Announcement, [UInt8]) {
        let bytes = [UInt8](repeating: 7, count: 100)
        let other = Announcement(
            bucket: "lake", key: announcement.key, size: 100, sha256: SHA256.hexadecimal(of: bytes),
            dataset: announcement.dataset, schemaVersion: 1, epoch: announcement.epoch, topic: announcement.topic,
            partition: 0, start: 10, end: 20, rows: 10, rejected: 0, emptyReason: nil, days: announcement.days,
            announcedAt: announcement.announcedAt)
        return (try other.renamed(), bytes)
    }

    @Test(
        "What cannot be had is refused with the reason, in both ledgers and the dead letters; the others go on",
        arguments: Damage.allCases)
    func refuses(_ damage: Damage) async throws {
        try await Archive.with { archive in
            let before = try PreparedObject(0..<10)
            let after = try PreparedObject(damage.takesTheRange ? 20..<30 : 10..<20, tag: "after")
            try await archive.land(before)
            let (position, key) = try await send(damage, to: archive)
            try await archive.land(after)
            let lines = Lines()
            #expect(try await archive.liveUntilAllIsDone(Archive.Life(lines: { lines.add($0) })) == nil)
            try await archive.expectArchivedOnce([before, after], refused: [position])
            let letter = try #require(try await archive.deadLetters().first)
            #expect(
                letter.reason == damage.reason.rawValue && !letter.detail.isEmpty && letter.topic == Announcement.topic)
            let statuses = try await archive.statuses()
            if let key, damage != .contradictory {
                #expect(statuses[key] == .refused)
                #expect(statuses.count == 3)
            } else {
                #expect(statuses.count == 2)
            }
            #expect(lines.all.contains { $0.contains("level=error") && $0.contains(damage.reason.rawValue) })
        }
    }

    @Test("Objects refused one after the other do not keep the ones between them waiting")
    func several() async throws {
        try await Archive.with { archive in
            let objects = try (0..<9).map { try PreparedObject(Int64($0) * 4..<Int64($0) * 4 + 4) }
            var refused: [LogPosition] = []
            for (index, object) in objects.enumerated() {
                if index % 3 != 1 { try await archive.raw.put(object.bytes, at: object.key) }
                let position = try await archive.send(object.message)
                if index % 3 == 1 { refused.append(position) }
            }
            try await archive.liveUntilAllIsDone()
            let kept = objects.enumerated().filter { $0.offset % 3 != 1 }.map(\.element)
            try await archive.expectArchivedOnce(kept, refused: refused)
        }
    }

    @Test("A refused object whose announcement is sent again, once it can be had, is registered")
    func replay() async throws {
        try await Archive.with { archive in
            let lost = try PreparedObject(0..<10)
            let next = try PreparedObject(10..<20)
            let position = try await archive.send(lost.message)
            try await archive.land(next)
            try await archive.liveUntilAllIsDone()
            #expect(try await archive.statuses()[lost.key] == .refused)
            try await archive.land(lost)
            try await archive.liveUntilAllIsDone()
            try await archive.expectArchivedOnce([lost, next], refused: [position])
        }
    }

    @Test("A hostile key with a range from nowhere holds nothing back and stays out of the ledger's table")
    func stray() async throws {
        try await Archive.with { archive in
            let first = try PreparedObject(0..<10)
            let second = try PreparedObject(10..<20)
            try await archive.land(first)
            let hostile = second.announcement.with(key: "/etc/passwd", start: 1_000_000, end: 2_000_000)
            let position = try await archive.send(hostile.json())
            try await archive.land(second)
            try await archive.liveUntilAllIsDone()
            try await archive.expectArchivedOnce([first, second], refused: [position])
            #expect(try await archive.deadLetters().map(\.reason) == [RefusalReason.stray.rawValue])
        }
    }

    @Test(
        "A message whose letter is large goes to the dead letters as an object that the letter names",
        arguments: [50_000, 700_000])
    func large(count: Int) async throws {
        try await Archive.with { archive in
            let message = [UInt8](repeating: UInt8(ascii: "x"), count: count)
            try await archive.send(message)
            #expect(try await archive.liveUntilAllIsDone() == nil)
            let letter = try #require(try await archive.deadLetters().first)
            guard case .stored(let key) = letter.content else { throw Unexpected("inline") }
            let stored = try DeadLetter.parse(try await archive.raw.read(key))
            guard case .inline(_, let value, _) = stored.content else { throw Unexpected("not inline") }
            #expect(value == message)
        }
    }
}
