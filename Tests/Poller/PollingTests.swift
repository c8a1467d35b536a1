import EventLog
import Exchange
import Foundation
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Poller

/// The poller against the local exchange and a real log.
@Suite(.timeLimit(.minutes(1)))
struct PollingTests {
    private let folder: TemporaryLog
    private let exchange: Exchange

    init() throws {
        folder = try TemporaryLog()
        exchange = try Exchange()
        try exchange.start()
    }

    /// Every slot between a series' first and last is a quote or inside a gap, and none is both.
    private func expectTiling(_ log: any EventLog, symbol: String) async throws -> [Observation] {
        let rows = try await log.rows(of: Datasets.quotes) + log.rows(of: Datasets.gaps)
        let own = rows.filter { $0.text("symbol") == symbol }
            .sorted { ($0.slots?.lowerBound.microseconds ?? 0) < ($1.slots?.lowerBound.microseconds ?? 0) }
        for (row, next) in zip(own, own.dropFirst()) {
            #expect(row.slots?.upperBound == next.slots?.lowerBound, "after \(row)")
        }
        return own
    }

    @Test("Each slot is filled by one quote, one slot after the other")
    func quotes() async throws {
        let log = try await folder.open()
        try await poll(spotSettings(exchange.baseURL, ["BTC-USD", "ETH-USD"]), log: log) { $0.count >= 20 }
        for symbol in ["BTC-USD", "ETH-USD"] { #expect(try await expectTiling(log, symbol: symbol).count >= 5) }
        #expect(try await log.rows(of: Datasets.quotes).allSatisfy { $0.text("price_type") == "spot" })
        await log.close()
        try await exchange.stop()
    }

    @Test("Symbols and price types are series of their own, each at its interval")
    func series() async throws {
        let log = try await folder.open()
        var settings = spotSettings(exchange.baseURL, ["BTC-USD", "ETH-USD"], interval: .milliseconds(40))
        settings.feeds[0].priceTypes = ["buy", "sell"]
        settings.feeds[0].intervals = ["ETH-USD": .milliseconds(80)]
        settings.feeds.append(
            PollerSettings.Feed(name: "coinbase-ticker", symbols: ["BTC-USD"], interval: .milliseconds(50)))
        try await poll(settings, log: log) { seen in
            Set(seen.map { "\($0.text("feed") ?? "") \($0.text("symbol") ?? "") \($0.text("price_type") ?? "")" }).count
                == 5
        }
        for quote in try await log.rows(of: Datasets.quotes) {
            let expected: Int64 =
                switch (quote.text("feed"), quote.text("symbol")) {
                case ("coinbase-ticker", _): 50_000
                case (_, "ETH-USD"): 80_000
                default: 40_000
                }
            #expect(quote.integer("poll_interval") == expected)
        }
        await log.close()
        try await exchange.stop()
    }

    @Test("A poller that starts again records the time it was away, once, and nothing is missing or twice")
    func restart() async throws {
        let log = try await folder.open()
        let settings = spotSettings(exchange.baseURL)
        // Each starts a second after the one before has ended, by the clock that it is given.
        for start in 0..<3 {
            let clock = SystemWallClock(skewInMicroseconds: Int64(start) * 1_000_000)
            try await poll(settings, log: log, clock: clock) { $0.count >= 5 }
        }
        let rows = try await expectTiling(log, symbol: "BTC-USD")
        #expect(rows.filter { $0.text("detail") == "the poller was not running" }.count == 2)
        await log.close()
        try await exchange.stop()
    }

    @Test("A poller that was killed left no last word: the next one reads what was appended, and records the rest")
    func killed() async throws {
        let log = try await folder.open()
        let settings = spotSettings(exchange.baseURL)
        // The slots are recorded at the start, and then not again: at the end the log refuses all.
        let dying = FaultyLog(log)
        try await poll(settings, log: dying) { seen in
            guard seen.count >= 8 else { return false }
            dying.refusesAppends = true
            return true
        }
        let later = SystemWallClock(skewInMicroseconds: 1_000_000)
        try await poll(settings, log: log, clock: later) { $0.count >= 5 }
        let rows = try await expectTiling(log, symbol: "BTC-USD")
        let away = rows.indices.filter { rows[$0].text("detail") == "the poller was not running" }
        #expect(away.count == 1)
        let first = try #require(away.first)
        for side in [rows[..<first], rows[first...]] { #expect(side.contains { $0.dataset == Datasets.quotes }) }
        await log.close()
        try await exchange.stop()
    }

    @Test("While the log refuses, memory is bounded: the oldest quotes become a gap, and every slot is accounted for")
    func stalledLog() async throws {
        let real = try await folder.open()
        let log = FaultyLog(real)
        var settings = spotSettings(exchange.baseURL, interval: .milliseconds(20))
        settings.maximumBufferedQuotes = 5
        let metrics = Metrics()
        let exchange = exchange
        let refusing = Shutdown()
        let readiness = Readiness()
        let hindered = Mutex<[String]>([])
        try await poll(settings, log: log, metrics: metrics, readiness: readiness) { seen in
            // Refuse once quotes flow, take again after 40 more answers, and end once the gap is told.
            if seen.count >= 5, !refusing.isRequested {
                refusing.request()
                log.refusesAppends = true
                Thread.detach(whenAnswers: exchange.answers + 40, of: exchange) {
                    hindered.withLock { $0 = readiness.reasons }
                    log.refusesAppends = false
                }
            }
            // A slow log may leave such a gap before, too.
            return !log.refusesAppends && seen.contains { $0.text("reason") == "too-many-waiting" }
        }
        let rows = try await expectTiling(real, symbol: "BTC-USD")
        #expect(rows.contains { $0.text("reason") == "too-many-waiting" })
        #expect(hindered.withLock { $0 }.first?.hasPrefix("poller: the log refuses what was polled") == true)
        #expect(readiness.isReady)
        await real.close()
        try await exchange.stop()
    }

    @Test("Requests under way at a shutdown may end; those that do not are gaps")
    func shutdownUnderWay() async throws {
        exchange.faults = FaultPlan(latencyMilliseconds: 300)
        let log = try await folder.open()
        var settings = spotSettings(exchange.baseURL, interval: .milliseconds(50))
        settings.drain = .milliseconds(100)
        try await poll(settings, log: log) { !$0.isEmpty }
        let rows = try await expectTiling(log, symbol: "BTC-USD")
        #expect(rows.last?.text("reason") == "shutdown")
        await log.close()
        try await exchange.stop()
    }

    @Test("A wall clock that jumps while polls run leaves no hole and no slot twice", arguments: [-30, 30] as [Int64])
    func clockJump(seconds: Int64) async throws {
        let log = try await folder.open()
        let clock = JumpingClock()
        try await poll(spotSettings(exchange.baseURL), log: log, clock: clock) { seen in
            if seen.count >= 5 { clock.jump(seconds * 1_000_000) }
            return seen.count >= 15
        }
        let rows = try await expectTiling(log, symbol: "BTC-USD")
        let jumps = rows.filter { $0.text("reason") == "clock-jump" }
        #expect(jumps.count == (seconds > 0 ? 1 : 0))
        await log.close()
        try await exchange.stop()
    }

    @Test("A daily budget that is used up makes gaps, and its use is among the metrics")
    func budget() async throws {
        let log = try await folder.open()
        var settings = spotSettings(exchange.baseURL)
        settings.sources = ["coinbase": SourceLimits(dailyBudget: 3)]
        let metrics = Metrics()
        try await poll(settings, log: log, metrics: metrics) { seen in
            seen.contains { $0.text("reason") == "rate-budget" }
        }
        #expect(exchange.answers == 3)
        #expect(try await log.rows(of: Datasets.quotes).count == 3)
        let used = metrics.snapshot().first { $0.series.name == "pregao_poller_source_budget_used" }?.figure
        if case .gauge(3) = used {} else { Issue.record("budget used: \(String(describing: used))") }
        await log.close()
        try await exchange.stop()
    }

    @Test("Tasks are worked off beside the polls")
    func tasks() async throws {
        let log = try await folder.open()
        let settings = spotSettings(exchange.baseURL)
        let from = try #require(Instant(rfc3339: "2024-01-01T00:00:00Z"))
        let backfill = Backfill(
            BackfillRequest(
                feed: "coinbase-candles", symbols: ["BTC-USD"], interval: 3600, from: from,
                to: from.adding(microseconds: 86_400_000_000)),
            settings: settings, worksHere: false, log: log, logger: Logger(component: "test", minimum: .error),
            metrics: Metrics())
        let done = Shutdown()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let progress = try await backfill.run(until: Shutdown())
                #expect(progress.isDone && progress.rows == 24)
                done.request()
            }
            group.addTask { try await poll(settings, log: log) { _ in done.isRequested } }
            try await group.waitForAll()
        }
        #expect(try await log.rows(of: Datasets.bars).count == 24)
        await log.close()
        try await exchange.stop()
    }
}

/// A wall clock that jumps when told to, once.
final class JumpingClock: WallClock {
    private let offset = Mutex<Int64>(0)

    func jump(_ microseconds: Int64) { offset.withLock { $0 = microseconds } }

    func now() -> Instant { SystemWallClock().now().adding(microseconds: offset.withLock { $0 }) }
}
