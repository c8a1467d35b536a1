import EventLog
import Lake
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

@testable import Archiver

@Suite("Archiver: several archivers", .serialized, .timeLimit(.minutes(5)))
struct OwnershipTests {
    @Test(
        "An archiver that is frozen at a step, loses its partitions and wakes does nothing twice",
        arguments: [
            Moment(.before, .putBackup), Moment(.after, .putAnnouncement), Moment(.before, .putRefusal),
            Moment(.before, .commit),
        ])
    func frozen(moment: Moment) async throws {
        try await Archive.with { archive in
            let objects = [try PreparedObject(0..<10), try PreparedObject(15..<20)]
            try await archive.land(objects[0])
            let refused = try await archive.send(try PreparedObject(10..<15).message)
            try await archive.land(objects[1])
            let freeze = Freeze(at: moment)
            // The frozen one's clock stands; the other's is an hour ahead, so that the lease has run out.
            let frozen = Archive.Life(
                instance: "frozen", fault: freeze, leaseClock: FixedLeaseClock(microseconds: 0))
            async let failure = archive.live(frozen) { _ in false }
            await freeze.began.opened()
            let other = Archive.Life(instance: "other", leaseClock: FixedLeaseClock(microseconds: 3_600_000_000))
            #expect(try await archive.liveUntilAllIsDone(other) == nil)
            frozen.shutdown.request()
            freeze.end.open()
            #expect(try await failure == nil)
            try await archive.expectArchivedOnce(objects, refused: [refused])
        }
    }

    @Test("Two archivers released together between check and commit register every object once")
    func together() async throws {
        try await Archive.with { archive in
            // The same announcements in two logs: each archiver owns them all, as after a takeover.
            try await Archive.with { twin in
                let objects = try (0..<3).map { try PreparedObject(Int64($0) * 5..<Int64($0) * 5 + 5) }
                for object in objects {
                    try await archive.land(object)
                    try await twin.send(object.message)
                }
                let first = Freeze(at: Moment(.after, .putAnnouncement))
                let second = Freeze(at: Moment(.after, .putAnnouncement))
                async let one = archive.liveUntilAllIsDone(Archive.Life(fault: first))
                let life = Archive.Life(fault: second, logFolder: twin.folder)
                async let other = archive.live(life) { $0.values.reduce(0, +) >= 3 }
                await first.began.opened()
                await second.began.opened()
                first.end.open()
                second.end.open()
                #expect(try await one == nil)
                #expect(try await other == nil)
                try await archive.expectArchivedOnce(objects, refused: [])
                #expect(try await twin.done() == 3)
            }
        }
    }

    @Test("Partitions are shared among archivers, and everything is archived once")
    func shared() async throws {
        try await Archive.with(partitions: 4) { archive in
            let objects = try (0..<6).flatMap { partition in
                try (0..<3).map { try PreparedObject(Int64($0) * 4..<Int64($0) * 4 + 4, partition: Int32(partition)) }
            }
            let half = objects.count / 2
            for object in objects[..<half] { try await archive.land(object) }
            let first = Archive.Life(instance: "first")
            let second = Archive.Life(instance: "second")
            let positions = Mutex<[TopicPartition: Offset]>([:])
            let end = Int64(objects.count)
            let isDone: @Sendable ([TopicPartition: Offset]) -> Bool = { seen in
                let done = positions.withLock { positions in
                    positions.merge(seen, uniquingKeysWith: max)
                    return positions.values.reduce(0, +)
                }
                guard done == end else { return false }
                first.shutdown.request()
                second.shutdown.request()
                return true
            }
            async let one = archive.live(first, until: isDone)
            async let other = archive.live(second, until: isDone)
            for object in objects[half...] { try await archive.land(object) }
            #expect(try await one == nil)
            #expect(try await other == nil)
            try await archive.expectArchivedOnce(objects, refused: [])
        }
    }

    @Test("An instance that is started anew elsewhere stops where it ran first, with an error")
    func replaced() async throws {
        try await Archive.with { archive in
            let object = try PreparedObject(0..<10)
            try await archive.land(object)
            let freeze = Freeze(at: Moment(.before, .commit))
            async let failure = archive.live(Archive.Life(fault: freeze)) { _ in false }
            await freeze.began.opened()
            // It stays while the first one wakes: it is the member that the first one finds in its place.
            let successor = Archive.Life()
            let isDone = Gate()
            async let end = archive.live(successor) { positions in
                if positions.values.reduce(0, +) == 1 { isDone.open() }
                return false
            }
            await isDone.opened()
            freeze.end.open()
            let error = try await failure
            #expect((error as? LogError)?.kind == .fenced)
            successor.shutdown.request()
            #expect(try await end == nil)
            try await archive.expectArchivedOnce([object], refused: [])
        }
    }

    @Test("An instance that wakes when its successor has come and gone goes on in its place, and does nothing twice")
    func successorGone() async throws {
        try await Archive.with { archive in
            let objects = [try PreparedObject(0..<10), try PreparedObject(10..<20)]
            try await archive.land(objects[0])
            let freeze = Freeze(at: Moment(.before, .commit))
            async let failure = archive.live(Archive.Life(fault: freeze)) { $0.values.reduce(0, +) >= 2 }
            await freeze.began.opened()
            #expect(try await archive.liveUntilAllIsDone() == nil)
            try await archive.land(objects[1])
            freeze.end.open()
            #expect(try await failure == nil)
            try await archive.expectArchivedOnce(objects, refused: [])
        }
    }
}
