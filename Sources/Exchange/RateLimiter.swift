import HTTPServer
import MarketData
import Synchronization

/// So many answers a second to an address, counted in the wall clock's seconds.
final class RateLimiter: Sendable {
    private struct State {
        var second: Int64 = 0
        var answers: [HTTPClientAddress: Int] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    func admits(_ client: HTTPClientAddress, at time: Instant) -> Bool {
        state.withLock { state in
            let second = time.microseconds / 1_000_000
            if second != state.second {
                state.second = second
                state.answers.removeAll(keepingCapacity: true)
            }
            let answers = state.answers[client, default: 0]
            state.answers[client] = answers + 1
            return answers < limit
        }
    }
}
