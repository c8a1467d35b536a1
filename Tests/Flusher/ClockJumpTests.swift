import EventLog
import Lake
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Flusher

/// At each look another day: today, tomorrow, yesterday, in turn.
private final class SwingingClock: WallClock {
    private let looks = Atomic(0)

    func now() -> Instant {
        let look = looks.wrappingAdd(1, ordering: .relaxed).oldValue
        return SystemWallClock(skewInMicroseconds: [0, aDay, -aDay][look % 3]).now()
    }
}

private let aDay: Int64 = 86_400_000_000

@Suite("Flusher: a wall clock that jumps by a day", .timeLimit(.minutes(1)))
struct ClockJumpTests {
    @Test("Batches are cut by how long they waited, whatever the log's times say", arguments: [aDay, -aDay])
    func interval(jump: Int64) {
        let before = Instant(microseconds: 1_795_262_400_000_000)
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(60)))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 3, at: before)))
        flusher.work()
        flusher.pass(.seconds(30))
        flusher.tell(.records(.of(.first, from: 3, count: 2, at: before.adding(microseconds: jump))))
        flusher.work()
        flusher.pass(.seconds(29))
        flusher.work()
        #expect(flusher.committed.isEmpty)
        flusher.pass(.seconds(1))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,5)"])
        flusher.tell(.records(.of(.first, from: 5, count: 1, at: before)))
        flusher.work()
        #expect(flusher.machine.nextDue(after: flusher.now) == .seconds(120))
    }

    @Test("An object's name has the day by the log's time of its first message, and each is announced once")
    func names() async throws {
        try await Landing.with { landing in
            for (number, jump) in [0, aDay, -aDay, 0].enumerated() {
                let clock = SystemWallClock(skewInMicroseconds: jump)
                try await landing.appendPrices(number * 20..<number * 20 + 20, clock: clock)
            }
            try await landing.liveUntilAllIsCommitted(Landing.Life(clock: SwingingClock()))
            try await landing.expectEverythingLandedOnce()
            var days: Set<Day> = []
            let log = try await landing.openLog()
            for announcement in try await landing.announcements() {
                let partition = TopicPartition(topic: Landing.source, partition: announcement.partition)
                let batch = try await log.read(
                    partition, from: announcement.start, to: announcement.end, maximumBytes: 1 << 20)
                let day = try #require(batch.records.first).timestamp.utcDay
                #expect(announcement.key.contains("/dt=\(day)/"), "\(announcement.key)")
                days.insert(day)
            }
            await log.close()
            #expect(days.count >= 2)
        }
    }

    @Test("What was put before a crash is put again under the same name a day later, and announced once")
    func crash() async throws {
        try await Landing.with { landing in
            try await landing.appendPrices(0..<40)
            let death = Death { $0 == Moment(call: .put, side: .after) }
            try await landing.live(Landing.Life(fault: death)) { _ in false }
            #expect(death.isDead)
            let tomorrow = SystemWallClock(skewInMicroseconds: aDay)
            try await landing.liveUntilAllIsCommitted(Landing.Life(clock: tomorrow))
            try await landing.expectEverythingLandedOnce()
            #expect(try await landing.objects().sorted() == landing.announcements().map(\.key).sorted())
        }
    }
}
