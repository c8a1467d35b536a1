import EventLog
import EventLogTesting
import Lake
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Flusher

/// A store that refuses everything for so long.
private final class Outage: Fault {
    private let time: ManualTime
    private let length: Duration
    private let count = Mutex(0)

    init(_ time: ManualTime, length: Duration) {
        self.time = time
        self.length = length
    }

    var tries: Int { count.withLock { $0 } }

    func strike(at moment: Moment) throws(LogError) {
        guard moment == Moment(call: .put, side: .before), time.now < length else { return }
        count.withLock { $0 += 1 }
        throw LogError(.busy, doing: "\(moment)", cause: "nobody answers")
    }
}

/// What is seen of a flusher during an outage.
private struct Sight {
    var longestPause = Duration.zero
    var mostBuffered = 0.0
    var committed: [TopicPartition: Offset]?
    var reasons: [String] = []
}

@Suite("Flusher: a long outage", .timeLimit(.minutes(2)))
struct OutageTests {
    private static let memoryLimit = 1 << 20

    /// Messages of 40 kB each, eight times what may be held.
    private static func messages() -> [[UInt8]] {
        let note = String(repeating: "n", count: 40_000)
        return (0..<200).map { number in
            let message = String(decoding: priceMessage(number), as: UTF8.self)
            return Array(message.replacing(#""symbol""#, with: #""note":"\#(note)","symbol""#).utf8)
        }
    }

    @Test("A store that is away for ten minutes: reading pauses, it is asked again and again, then all lands once")
    func tenMinutes() async throws {
        try await Landing.with { landing in
            let messages = Self.messages()
            try await landing.append(messages)
            let time = ManualTime()
            let outage = Outage(time, length: .seconds(600))
            let sight = Mutex(Sight())
            let later = 0..<100
            let all = Int64(messages.count + later.count)
            var life = Landing.Life(
                trigger: BatchTrigger(size: 1 << 20, interval: .zero), memoryLimit: Self.memoryLimit, fault: outage)
            life.onPause = { [metrics = life.metrics, readiness = life.readiness] pause in
                sight.withLock { sight in
                    sight.longestPause = max(sight.longestPause, pause)
                    sight.mostBuffered = max(sight.mostBuffered, metrics.gauge("pregao_flusher_buffered_bytes"))
                }
                if time.now >= .seconds(300), sight.withLock({ $0.committed }) == nil {
                    await Self.look(at: landing, metrics, readiness, sight, comingMeanwhile: later)
                }
                await time.sleep(pause)
            }
            #expect(try await landing.live(life) { $0.values.reduce(0, +) >= all } == nil)
            let seen = sight.withLock { $0 }
            // In the middle of it: nothing passed, and both partitions say so.
            #expect(seen.committed == [:])
            #expect(seen.reasons.count >= 2 && seen.reasons.allSatisfy { $0.contains("is held back: the store") })
            #expect(seen.mostBuffered > 0 && seen.mostBuffered <= Double(Self.memoryLimit + 50_000))
            // Pauses that do not grow beyond the longest: a try each half minute at least.
            #expect(seen.longestPause <= .seconds(30))
            #expect(outage.tries >= 20)
            #expect(time.now >= .seconds(600))
            #expect(life.readiness.isReady)
            try await landing.expectEverythingLandedOnce()
        }
    }

    /// Looks once both partitions are told to be paused, and lets more come meanwhile.
    private static func look(
        at landing: Landing, _ metrics: Metrics, _ readiness: Readiness, _ sight: borrowing Mutex<Sight>,
        comingMeanwhile later: Range<Int>
    ) async {
        while metrics.gauge("pregao_flusher_paused") < 2 { await Task.yield() }
        do {
            let committed = try await landing.committed()
            let isFirst = sight.withLock { sight in
                defer { (sight.committed, sight.reasons) = (committed, readiness.reasons) }
                return sight.committed == nil
            }
            if isFirst { try await landing.appendPrices(later) }
        } catch {
            Issue.record(error)
        }
    }
}
