import EventLog
import Exchange
import Feeds
import Foundation
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Poller

/// What becomes of the polls that are under way when a poller is stopped, whatever is answered to them, and when.
@Suite("A poller that is stopped", .timeLimit(.minutes(1)))
struct ShutdownTests {
    private static let symbols = ["BTC-USD", "ETH-USD", "SOL-USD"]
    /// The answers before the stop are good, but for the last ones.
    private static let goodAnswers = 5

    /// What the last polls meet, beside their answers.
    enum Circumstance: CaseIterable {
        case answeredAtOnce
        /// After the slot has ended.
        case answeredLate
        /// Within the time that a drain has, or after it.
        case answeredTooLate
        /// One request of the source at a time, so that polls wait in line.
        case inLine
        case logRefusesForAWhile, logRefusesToTheEnd
        /// It takes the last account of the slots again.
        case logRefusesRowsAlone

        var latencyMilliseconds: Int {
            switch self {
            case .answeredAtOnce, .logRefusesForAWhile, .logRefusesToTheEnd, .logRefusesRowsAlone: 0
            case .answeredLate, .inLine: 60
            case .answeredTooLate: 250
            }
        }
    }

    @Test(
        "leaves every slot as a quote, in a gap, or for the next poller to record, and accounts for none without",
        arguments: [nil, .serverError, .tooManyRequests, .closed, .html] as [Fault?],
        Circumstance.allCases)
    func stopped(answer: Fault?, circumstance: Circumstance) async throws {
        let folder = try TemporaryLog()
        let log = try await folder.open()
        let exchange = try Exchange()
        try exchange.start()
        exchange.faults = FaultPlan(
            rates: answer.map { [$0: 1] } ?? [:], script: Array(repeating: nil, count: Self.goodAnswers),
            latencyMilliseconds: circumstance.latencyMilliseconds)
        try await pollAndStop(circumstance, exchange, log)
        try await expectAccounted(log)

        exchange.faults = FaultPlan()
        let later = SystemWallClock(skewInMicroseconds: 1_000_000)
        try await poll(
            spotSettings(exchange.baseURL, Self.symbols, interval: .milliseconds(40)), log: log, clock: later
        ) { seen in
            Set(seen.compactMap { $0.integer("poll_interval") == nil ? nil : $0.text("symbol") }).count == 3
        }
        try await expectAccounted(log)
        let away = try await log.rows(of: Datasets.gaps).filter { $0.text("detail") == "the poller was not running" }
        #expect(Set(away.map { $0.text("symbol") }).count == Self.symbols.count)
        await log.close()
        try await exchange.stop()
    }

    private func pollAndStop(_ circumstance: Circumstance, _ exchange: Exchange, _ real: any EventLog) async throws {
        var settings = spotSettings(exchange.baseURL, Self.symbols, interval: .milliseconds(40))
        settings.drain = .milliseconds(100)
        if circumstance == .inLine { settings.sources = ["coinbase": SourceLimits(maximumInFlight: 1)] }
        var failures: [FaultyLog.Failure] = []
        if circumstance == .logRefusesForAWhile {
            failures = (2...4).map { FaultyLog.Failure(step: .append, call: $0, moment: .before) }
        }
        let log = FaultyLog(real, failures)
        let shutdown = Shutdown()
        Thread.detach(whenAnswers: UInt64(Self.goodAnswers + 1), of: exchange) {
            log.refusesAppends = circumstance == .logRefusesToTheEnd
            log.refusesRowsAlone = circumstance == .logRefusesRowsAlone
            shutdown.request()
        }
        try await Poller(
            settings: settings, log: log, logger: Logger(component: "poller", sink: { _ in }), metrics: Metrics()
        ).run(until: shutdown)
    }

    /// Of each series, what the next poller would take to be accounted for is in the log, each slot once: from the slot
    /// that its first poller began with.
    private func expectAccounted(_ log: any EventLog) async throws {
        let firsts = try await firstLedgers(log)
        let book = try await SlotBook.read(feeds: ["coinbase-spot"], from: log)
        let rows = try await log.rows(of: Datasets.quotes) + log.rows(of: Datasets.gaps)
        for symbol in Self.symbols {
            let series = Series(symbol: symbol, priceType: "spot")
            let start = try #require(firsts[series]).accountedUntil
            let ledger = try #require(book["coinbase-spot", series])
            var held = SlotLedger(from: start)
            let slots = rows.filter { $0.text("symbol") == symbol }.compactMap(\.slots)
                .sorted { $0.lowerBound < $1.lowerBound }
            for slot in slots { held.settle(slot) }
            let end = max(slots.last?.upperBound ?? start, ledger.ahead.last?.upperBound ?? ledger.accountedUntil)
            #expect(held.holes(until: end) == ledger.holes(until: end), "\(symbol)")
            for (slot, next) in zip(slots, slots.dropFirst()) { #expect(slot.upperBound <= next.lowerBound) }
        }
    }

    /// What was recorded before the first quote.
    private func firstLedgers(_ log: any EventLog) async throws -> [Series: SlotLedger] {
        var ledgers: [Series: SlotLedger] = [:]
        for (partition, marks) in try await log.watermarks(of: SlotsMessage.topic.name) {
            try await log.forEach(in: partition, from: marks.start, to: marks.end) { batch, record in
                guard let message = batch.value(of: record).flatMap({ SlotsMessage(parsing: $0) }) else { return }
                for entry in message.entries where ledgers[entry.series] == nil { ledgers[entry.series] = entry.ledger }
            }
        }
        return ledgers
    }

    @Test("has recorded which slots are its to account for before it asks for the first, however slow the log is")
    func accountFirst() async throws {
        let folder = try TemporaryLog()
        let real = try await folder.open()
        let exchange = try Exchange()
        try exchange.start()
        let askedTooEarly = Atomic(false)
        let log = FaultyLog(real) {
            // Several slots long, unless one is asked for meanwhile.
            let end = ContinuousClock.now + .milliseconds(200)
            while exchange.answers == 0, ContinuousClock.now < end { await Task.yield() }
            askedTooEarly.store(exchange.answers > 0, ordering: .relaxed)
        }
        let settings = spotSettings(exchange.baseURL, Self.symbols, interval: .milliseconds(40))
        try await poll(settings, log: log) { seen in seen.contains { $0.integer("poll_interval") != nil } }
        let isTooEarly = askedTooEarly.load(ordering: .relaxed)
        #expect(!isTooEarly)
        try await expectAccounted(real)
        await real.close()
        try await exchange.stop()
    }

    @Test("with a wall clock that no gap can be recorded by leaves those slots to the next poller")
    func implausibleClock() async throws {
        let folder = try TemporaryLog()
        let log = try await folder.open()
        let exchange = try Exchange()
        try exchange.start()
        let settings = spotSettings(exchange.baseURL, Self.symbols, interval: .milliseconds(40))
        let clock = JumpingClock()
        let shutdown = Shutdown()
        Thread.detach(whenAnswers: 10, of: exchange) {
            // To about 1990, as of a machine whose battery is empty.
            clock.jump(-36 * 365 * 86_400 * 1_000_000)
            Thread.detach(whenAnswers: exchange.answers + 10, of: exchange) { shutdown.request() }
        }
        try await Poller(
            settings: settings, log: log, clock: clock, logger: Logger(component: "poller", sink: { _ in }),
            metrics: Metrics()
        ).run(until: shutdown)
        try await expectAccounted(log)
        await log.close()
        try await exchange.stop()
    }
}
