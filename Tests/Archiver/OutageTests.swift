import EventLog
import EventLogTesting
import Lake
import Runtime
import Synchronization
import Testing

@testable import Archiver

/// A backup store that refuses everything for so long.
private final class Outage: Fault {
    private let time: ManualTime
    private let length: Duration
    private let look: @Sendable () -> Void
    private let strikes = Mutex<[Duration]>([])

    /// - Parameter look: called whenever the archiver waits meanwhile, once something was refused.
    init(_ time: ManualTime, length: Duration, look: @escaping @Sendable () -> Void) {
        self.time = time
        self.length = length
        self.look = look
    }

    /// When it was asked in vain.
    var tries: [Duration] { strikes.withLock { $0 } }

    func strikes(at moment: Moment) -> Bool {
        let now = time.now
        guard now < length else { return false }
        switch moment {
        case Moment(.before, .putBackup):
            strikes.withLock { $0.append(now) }
            return true
        case Moment(.before, .next) where !tries.isEmpty:
            look()
            return false
        default: return false
        }
    }
}

@Suite("Archiver: a long outage", .timeLimit(.minutes(2)))
struct OutageTests {
    private static let length = Duration.seconds(600)

    @Test(
        "A backup store that is away for ten minutes: reading pauses, it is asked again and again, then all is archived"
    )
    func tenMinutes() async throws {
        try await Archive.with(partitions: 1) { archive in
            let objects = try (0..<18).map { try PreparedObject(Int64($0)..<Int64($0) + 1) }
            for object in objects { try await archive.land(object) }
            let time = ManualTime()
            let looks = Mutex((all: 0, ready: 0, unheld: 0))
            var life = Archive.Life(batchCount: 1)
            (life.time, life.fetchBytes) = (time, 4000)
            life.fault = Outage(time, length: Self.length) { [readiness = life.readiness, metrics = life.metrics] in
                looks.withLock { looks in
                    looks.all += 1
                    let words = readiness.reasons.filter { $0.contains("is held back") && $0.contains("put") }
                    if words.count != 1 { looks.ready += 1 }
                    if metrics.gauge("pregao_archiver_held_partitions") != 1 { looks.unheld += 1 }
                }
            }
            #expect(try await archive.liveUntilAllIsDone(life) == nil)
            // It has said so all the time.
            let seen = looks.withLock { $0 }
            #expect(seen.all > 0 && seen.ready == 0 && seen.unheld == 0)
            // No more than ten batches wait, beside what one read brings.
            #expect(time.countOfTaken(before: Self.length) < objects.count)
            let tries = try #require(life.fault as? Outage).tries
            #expect(zip(tries, tries.dropFirst()).allSatisfy { $1 - $0 <= .seconds(31) })
            #expect(try #require(tries.last) >= Self.length - .seconds(31))
            #expect(life.readiness.isReady)
            try await archive.expectArchivedOnce(objects, refused: [])
        }
    }
}
