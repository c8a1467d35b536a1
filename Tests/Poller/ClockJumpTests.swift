import EventLog
import Exchange
import Feeds
import Foundation
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Poller

/// The machine's clock, until it is set to another time.
private final class SetClock: WallClock {
    private let skew = Mutex<Int64>(0)

    func now() -> Instant { SystemWallClock(skewInMicroseconds: skew.withLock { $0 }).now() }

    func jump(seconds: Int64) { skew.withLock { $0 += seconds * 1_000_000 } }
}

@Suite("A wall clock that jumps", .timeLimit(.minutes(1)))
struct ClockJumpTests {
    @Test(
        "forwards or back, by seconds or by a day: every slot is a quote or in a gap, and none comes twice",
        arguments: [3, -3, 86_400, -86_400])
    func jumps(seconds: Int64) async throws {
        let exchange = try Exchange()
        try exchange.start()
        let folder = try TemporaryLog()
        let log = try await folder.open()
        let clock = SetClock()
        let hasJumped = Atomic(false)
        try await poll(spotSettings(exchange.baseURL), log: log, clock: clock) { seen in
            let quotes = seen.count { $0.text("price") == nil && $0.integer("poll_interval") != nil }
            if quotes >= 5, !hasJumped.exchange(true, ordering: .relaxed) { clock.jump(seconds: seconds) }
            return quotes >= 15
        }
        let gaps = try await log.rows(of: Datasets.gaps)
        let slots = try await (log.rows(of: Datasets.quotes) + gaps).compactMap(\.slots).sorted {
            $0.lowerBound < $1.lowerBound
        }
        for (slot, next) in zip(slots, slots.dropFirst()) { #expect(slot.upperBound == next.lowerBound) }
        let leapt = gaps.filter { $0.text("reason") == GapReason.clockJump.rawValue }
        #expect(leapt.isEmpty == (seconds < 0))
        await log.close()
        try await exchange.stop()
    }

    @Test("to its time, from before any time that a gap may have: the series begins there")
    func fromNowhere() async throws {
        let exchange = try Exchange()
        try exchange.start()
        let folder = try TemporaryLog()
        let log = try await folder.open()
        let clock = SetClock()
        let away: Int64 = 40 * 365 * 86_400
        clock.jump(seconds: -away)
        Thread.detach(whenAnswers: 3, of: exchange) { clock.jump(seconds: away) }
        try await poll(spotSettings(exchange.baseURL), log: log, clock: clock) { seen in
            seen.count { $0.integer("poll_interval") != nil } >= 10
        }
        let book = try await SlotBook.read(feeds: ["coinbase-spot"], from: log)
        let ledger = try #require(book["coinbase-spot", Series(symbol: "BTC-USD", priceType: "spot")])
        let slots = try await (log.rows(of: Datasets.quotes) + log.rows(of: Datasets.gaps)).compactMap(\.slots)
        #expect(ledger.accountedFrom == slots.map(\.lowerBound).min())
        #expect(ledger.accountedUntil == slots.map(\.upperBound).max())
        #expect(ledger.ahead == [])
        await log.close()
        try await exchange.stop()
    }
}
