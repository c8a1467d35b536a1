import EventLog
import Exchange
import Foundation
import JSON
import MarketData
import Runtime
import Testing

@testable import Poller

/// Every way in which an answer is not a quote, over real HTTP.
@Suite(.timeLimit(.minutes(1)))
struct FaultAnswerTests {
    /// What each fault of the exchange is called in the dataset `gaps`.
    private static let reasons: [(Fault, GapReason)] = [
        (.tooManyRequests, .rateLimited), (.serverError, .httpStatus), (.notFound, .httpStatus),
        (.closed, .connection), (.cut, .connection), (.empty, .malformed), (.html, .html), (.truncated, .malformed),
        (.malformed, .malformed), (.null, .nullField), (.wrongType, .wrongType), (.notANumber, .notANumber),
        (.unfitNumber, .doesNotFit), (.duplicateKey, .duplicateKey), (.notUTF8, .notUTF8), (.nested, .tooDeep),
        (.oversized, .tooLarge),
    ]

    @Test("The table names every fault that the exchange has")
    func complete() { #expect(Set(Self.reasons.map(\.0)) == Set(Fault.allCases)) }

    @Test("An answer that is not a quote is a gap with its reason, and nothing else", arguments: reasons)
    func faults(fault: Fault, reason: GapReason) async throws {
        let exchange = try Exchange(ExchangeSettings(faults: FaultPlan(rates: [fault: 1])))
        try exchange.start()
        let folder = try TemporaryLog()
        let log = try await folder.open()
        try await poll(spotSettings(exchange.baseURL), log: log) { seen in
            seen.count { !$0.isHoldUp } >= 2
        }
        let quotes = try await log.rows(of: Datasets.quotes)
        let gaps = try await log.rows(of: Datasets.gaps).filter { !$0.isHoldUp }
        #expect(quotes.isEmpty)
        #expect(gaps.first?.text("reason") == reason.rawValue)
        #expect(gaps.first?.text("detail") != nil && (gaps.first?.integer("tries") ?? 0) > 0)
        // What follows is the fault again, or the pause or the end that it led to.
        let others: Set<GapReason> = [reason, .rateLimited, .circuitOpen, .shutdown]
        #expect(gaps.allSatisfy { gap in others.contains { $0.rawValue == gap.text("reason") } })
        await log.close()
        try await exchange.stop()
    }

    @Test("A passing fault is retried inside its slot, which then holds a quote")
    func retry() async throws {
        let exchange = try Exchange(ExchangeSettings(faults: FaultPlan(script: [.truncated])))
        try exchange.start()
        let folder = try TemporaryLog()
        let log = try await folder.open()
        try await poll(spotSettings(exchange.baseURL, interval: .seconds(1)), log: log) { !$0.isEmpty }
        #expect(try await log.rows(of: Datasets.quotes).count >= 1)
        let gaps = try await log.rows(of: Datasets.gaps).filter { !$0.isHoldUp }
        #expect(gaps.allSatisfy { $0.text("reason") == "shutdown" })
        #expect(exchange.answers >= 2)
        await log.close()
        try await exchange.stop()
    }

    @Test("Without the source: a closed port, a name that does not exist, and a port that speaks no TLS")
    func noSource() async throws {
        let exchange = try Exchange()
        try exchange.start()
        let port = exchange.port
        for (url, reason) in [
            ("http://127.0.0.1:1", "connection"), ("http://does-not-exist.invalid", "dns"),
            ("https://127.0.0.1:\(port)", "tls"),
        ] {
            let folder = try TemporaryLog()
            let log = try await folder.open()
            try await poll(spotSettings(url), log: log) { seen in seen.contains { !$0.isHoldUp } }
            let gaps = try await log.rows(of: Datasets.gaps).filter { !$0.isHoldUp }
            #expect(gaps.first?.text("reason") == reason, "\(url): \(gaps.first?.text("detail") ?? "no gap")")
            await log.close()
        }
        try await exchange.stop()
    }

    @Test("An answer slower than the time limit is a gap of the reason timeout")
    func slow() async throws {
        let exchange = try Exchange(ExchangeSettings(faults: FaultPlan(latencyMilliseconds: 1000)))
        try exchange.start()
        let folder = try TemporaryLog()
        let log = try await folder.open()
        var settings = spotSettings(exchange.baseURL, interval: .milliseconds(200))
        settings.http.totalTimeout = .milliseconds(50)
        settings.retriesInSlot = 0
        try await poll(settings, log: log) { seen in seen.contains { !$0.isHoldUp } }
        #expect(try await log.rows(of: Datasets.quotes).isEmpty)
        let gaps = try await log.rows(of: Datasets.gaps).filter { !$0.isHoldUp }
        #expect(gaps.first?.text("reason") == "timeout")
        await log.close()
        try await exchange.stop()
    }

    @Test("Answers that are slower than the interval still fill their own slots")
    func overlapping() async throws {
        let exchange = try Exchange(ExchangeSettings(threads: 8, faults: FaultPlan(latencyMilliseconds: 150)))
        try exchange.start()
        let folder = try TemporaryLog()
        let log = try await folder.open()
        try await poll(spotSettings(exchange.baseURL, interval: .milliseconds(50)), log: log) { $0.count >= 10 }
        let slots = try await log.rows(of: Datasets.quotes).compactMap(\.slots)
        #expect(slots.count >= 10 && Set(slots).count == slots.count)
        await log.close()
        try await exchange.stop()
    }
}
