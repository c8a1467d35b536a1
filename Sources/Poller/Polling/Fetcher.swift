import Feeds
import MarketData
import Synchronization

/// A request of a task, under the limits of its source like any poll, but without a time by which it is due.
struct Fetch: Sendable {
    let source: Int
    let url: String
    let headers: [FeedRequest.Header]
    let maximumBytes: Int
    let reply: CheckedContinuation<FetchResult, Never>
}

enum FetchResult: Sendable {
    case answered(status: Int, body: [UInt8])
    case failed(AnswerFault)
    /// Not sent, since the source is being left alone: worth trying again after so many microseconds.
    case refused(AnswerFault, retryAfter: Int64)
}

/// The way into the polling thread.
final class EngineInbox: Sendable {
    private struct State {
        var fetches: [Fetch] = []
        var isStopping = false
        var isClosed = false
        var waker: Waker?
    }

    private let state = Mutex(State())

    func fetch(source: Int, url: String, headers: [FeedRequest.Header], maximumBytes: Int) async -> FetchResult {
        await withCheckedContinuation { reply in
            let fetch = Fetch(source: source, url: url, headers: headers, maximumBytes: maximumBytes, reply: reply)
            let isTaken = state.withLock { state in
                guard !state.isClosed else { return false }
                state.fetches.append(fetch)
                state.waker?.wake()
                return true
            }
            if !isTaken { reply.resume(returning: .failed(AnswerFault(.shutdown, "the poller is stopping"))) }
        }
    }

    /// Has the thread stop polling, let what is under way end, and return.
    func stop() {
        state.withLock { state in
            state.isStopping = true
            state.waker?.wake()
        }
    }

    func attach(_ waker: Waker) { state.withLock { $0.waker = waker } }

    func take() -> (fetches: [Fetch], isStopping: Bool) {
        state.withLock { state in
            defer { state.fetches = [] }
            return (state.fetches, state.isStopping)
        }
    }

    /// No fetch is taken any more; those that were not yet taken fail.
    func close() {
        let left = state.withLock { state in
            state.isClosed = true
            state.waker = nil
            defer { state.fetches = [] }
            return state.fetches
        }
        for fetch in left { fetch.reply.resume(returning: .failed(AnswerFault(.shutdown, "the poller is stopping"))) }
    }
}
