import EventLog
import Lake
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Verification

@Suite("Dead letters at hand", .timeLimit(.minutes(1)))
struct RejectedMessagesTests {
    private static let hour: Int64 = 3_600_000_000
    private static let noon = Samples.midnight.adding(microseconds: 12 * hour)

    /// A log whose time is set, with a topic of dead letters that are kept for an hour.
    private func withLog(_ body: (SQLiteEventLog, SetClock) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let clock = SetClock(Self.noon)
            let log = try await SQLiteEventLog.open(at: "\(folder)/pregao.sqlite", clock: clock)
            try await log.declare(
                TopicDeclaration(
                    name: DeadLetter.topic, partitions: 1,
                    retention: Retention(.delete(age: .seconds(3600), bytes: nil))))
            try await body(log, clock)
            await log.close()
        }
    }

    private func letter(_ offset: Offset, epoch: String?) -> OutgoingMessage {
        let letter = DeadLetter(
            topic: "pregao.quotes", partition: 0, offset: offset, epoch: epoch, timestamp: Self.noon,
            reason: "not-json",
            detail: "", content: .inline(key: nil, value: nil, headers: []))
        return OutgoingMessage(topic: DeadLetter.topic, key: nil, value: letter.json())
    }

    private func announcement(epoch: String, at time: Instant) -> Announcement {
        Announcement(
            bucket: "b", key: "k", size: 1, sha256: "", dataset: "quotes", schemaVersion: 1, epoch: epoch,
            topic: "pregao.quotes", partition: 0, start: 0, end: 10, rows: 9, rejected: 1, emptyReason: nil, days: [],
            announcedAt: time)
    }

    @Test("are those of the log's epoch, and those that name none")
    func epochs() async throws {
        try await withLog { log, _ in
            _ = try await log.append([
                letter(1, epoch: "otherlog"), letter(2, epoch: log.epoch), letter(3, epoch: nil),
            ])
            let object = announcement(epoch: log.epoch, at: Self.noon)
            let found = try await RejectedMessages(log: log, announcements: [object])
            #expect(found.covers(object))
            #expect(found.offsets(of: object) == [2, 3])
        }
    }

    @Test("prove what was announced since the first that retention has left, and nothing before")
    func trimmed() async throws {
        try await withLog { log, clock in
            _ = try await log.append([letter(1, epoch: log.epoch)])
            clock.set(Self.noon.adding(microseconds: 3 * Self.hour))
            _ = try await log.append([letter(2, epoch: log.epoch)])
            try await log.applyRetention(now: clock.now())
            let early = announcement(epoch: log.epoch, at: Self.noon.adding(microseconds: Self.hour))
            let late = announcement(epoch: log.epoch, at: Self.noon.adding(microseconds: 5 * Self.hour))
            let found = try await RejectedMessages(log: log, announcements: [early, late])
            #expect(!found.covers(early))
            #expect(found.covers(late))
        }
    }

    @Test("prove nothing that retention takes while they are read")
    func trimmedMeanwhile() async throws {
        try await withLog { log, clock in
            _ = try await log.append([letter(1, epoch: log.epoch)])
            clock.set(Self.noon.adding(microseconds: 3 * Self.hour))
            _ = try await log.append([letter(2, epoch: log.epoch)])
            var altered = AlteredLog(log)
            altered.meanwhile = { question throws(LogError) in
                if case .read = question { try await log.applyRetention(now: clock.now()) }
            }
            let object = announcement(epoch: log.epoch, at: Self.noon)
            let found = try await RejectedMessages(log: altered, announcements: [object])
            #expect(found.offsets(of: object) == [2])
            #expect(!found.covers(object))
        }
    }
}

/// Stands still until it is set.
private final class SetClock: WallClock {
    private let time: Mutex<Instant>

    init(_ time: Instant) { self.time = Mutex(time) }

    func now() -> Instant { time.withLock { $0 } }

    func set(_ new: Instant) { time.withLock { $0 = new } }
}
