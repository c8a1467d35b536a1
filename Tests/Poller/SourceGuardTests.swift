import MarketData
import Testing

@testable import Poller

private let second: Int64 = 1_000_000
private let noon = Instant(microseconds: 1_700_000_000 * second)

private func reading(_ seconds: Double) -> ClockReading {
    let time = Int64(seconds * 1e6)
    return ClockReading(monotonic: time, wall: noon.adding(microseconds: time))
}

extension SourceGuard {
    /// The admission of a request that can wait for a second.
    fileprivate mutating func ask(_ seconds: Double) -> Admission {
        admit(at: reading(seconds), deadline: Int64(seconds * 1e6) + second)
    }

    fileprivate mutating func fail(_ times: Int, at seconds: Double) {
        for _ in 0..<times { finished(.failed, at: Int64(seconds * 1e6), jitter: 0) }
    }
}

struct SourceGuardTests {
    @Test("A source without limits is asked at once")
    func unlimited() {
        var source = SourceGuard(SourceLimits())
        for _ in 0..<10_000 { #expect(source.ask(1) == .start(at: second)) }
    }

    @Test("A rate limit lets a burst through, then spaces requests, and refuses those that would be too late")
    func rateLimit() {
        var source = SourceGuard(SourceLimits(requestsPerSecond: 10, burst: 3))
        let starts = (0..<13).map { _ in source.ask(1) }
        #expect(starts.prefix(3).allSatisfy { $0 == .start(at: second) })
        #expect(starts[3] == .start(at: second + 100_000))
        #expect(starts[12] == .start(at: 2 * second))
        #expect(source.ask(1) == .refused(.rateBudget, until: 2 * second))
        // What was refused took no token.
        #expect(source.ask(1.1) == .start(at: second + 1_100_000))
    }

    @Test("A daily budget ends at its number, and begins anew with the UTC day")
    func budget() {
        var source = SourceGuard(SourceLimits(dailyBudget: 2))
        #expect(source.ask(0) == .start(at: 0))
        #expect(source.ask(0) == .start(at: 0))
        let untilMidnight = 86_400 - noon.microseconds / second % 86_400
        #expect(source.ask(0) == .refused(.rateBudget, until: untilMidnight * second))
        #expect(source.budget.used == 2)
        #expect(source.ask(Double(untilMidnight)) == .start(at: untilMidnight * second))
        #expect(source.budget.used == 1)
    }

    @Test("Retry-After is obeyed, up to the longest pause")
    func retryAfter() {
        var source = SourceGuard(SourceLimits(longestPause: .seconds(60)))
        source.finished(.throttled(retryAfter: 7 * second), at: second, jitter: 0.9)
        #expect(source.ask(7.9) == .refused(.rateLimited, until: 8 * second))
        #expect(source.ask(8) == .start(at: 8 * second))
        source.finished(.throttled(retryAfter: 3600 * second), at: 8 * second, jitter: 0)
        #expect(source.ask(9) == .refused(.rateLimited, until: 68 * second))
    }

    @Test("Without a Retry-After the pauses double, shortened at random by up to half")
    func throttled() {
        var source = SourceGuard(SourceLimits(shortestPause: .seconds(1), longestPause: .seconds(5)))
        for (jitter, pause) in [(0.0, 1.0), (1.0, 1.0), (0.0, 4.0), (0.0, 5.0), (0.5, 3.75)] {
            source.finished(.throttled(retryAfter: nil), at: 0, jitter: jitter)
            var copy = source
            // Pauses that began at the same moment: the longest counts.
            if case .refused(.rateLimited, let until) = copy.ask(0) {
                #expect(until >= Int64(pause * 1e6))
            } else {
                Issue.record("not paused")
            }
        }
    }

    @Test("The circuit opens after failures in a row, lets one request try, and closes when it succeeds")
    func circuit() {
        var source = SourceGuard(SourceLimits(failuresThatOpen: 3, shortestPause: .seconds(1)))
        source.fail(2, at: 0)
        source.finished(.healthy, at: 0, jitter: 0)
        source.fail(2, at: 0)
        #expect(source.ask(0) == .start(at: 0))
        source.fail(1, at: 0)
        #expect(source.isOpen)
        #expect(source.ask(0.5) == .refused(.circuitOpen, until: second))
        #expect(source.ask(1) == .start(at: second))
        if case .refused(.circuitOpen, _) = source.ask(1) {} else { Issue.record("a second request while one tries") }
        source.finished(.healthy, at: 2 * second, jitter: 0)
        #expect(!source.isOpen)
        #expect(source.ask(2) == .start(at: 2 * second))
    }

    @Test("A circuit whose try fails stays open for twice as long")
    func circuitReopens() {
        var source = SourceGuard(SourceLimits(failuresThatOpen: 1, shortestPause: .seconds(1)))
        source.fail(1, at: 0)
        #expect(source.ask(1) == .start(at: second))
        source.fail(1, at: 1)
        #expect(source.ask(2.9) == .refused(.circuitOpen, until: 3 * second))
        #expect(source.ask(3) == .start(at: 3 * second))
    }

    @Test("A try that never started leaves the next one its turn")
    func abandonedTry() {
        var source = SourceGuard(SourceLimits(failuresThatOpen: 1, shortestPause: .seconds(1)))
        source.fail(1, at: 0)
        #expect(source.ask(1) == .start(at: second))
        source.abandoned(at: second)
        #expect(source.ask(1) == .start(at: second))
    }

    @Test(
        "Retry-After is read in both of its forms, and the obsolete dates",
        arguments: [
            ("7", 7), (" 120 ", 120), ("0", 0), ("999999999999999999999", 86_400),
            ("Tue, 14 Nov 2023 22:14:20 GMT", 60), ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
            ("Tue Nov 14 22:14:20 2023", 60), ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
            ("Fri, 14 Nov 2093 00:00:00 GMT", 86_400),
        ] as [(String, Int64)])
    func retryAfterForms(text: String, seconds: Int64) {
        #expect(RetryAfter.microseconds(text, now: noon) == seconds * second)
    }

    @Test("What is no Retry-After is none", arguments: ["", "soon", "-5", "1.5", "14 Nov 2023", "7s"])
    func noRetryAfter(text: String) { #expect(RetryAfter.microseconds(text, now: noon) == nil) }
}
