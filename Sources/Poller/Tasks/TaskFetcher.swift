import Feeds
import MarketData
import Runtime

/// Fetches one task, again where it fails, until it has rows or has failed for good.
struct TaskFetcher: Sendable {
    enum Outcome: Sendable {
        case succeeded([Observation])
        case failed(AnswerFault)
        /// The poller is stopping; the task is to be done by whoever comes next.
        case interrupted
    }

    let feed: any TaskFeed
    /// Into the engine's sources.
    let source: Int
    let baseURL: String
    let retries: Int
    let pause: Duration
    let inbox: EngineInbox
    let clock: any WallClock
    let shutdown: Shutdown

    func rows(of task: FeedTask, run: String) async -> Outcome {
        let request = feed.request(for: task)
        let backoff = Backoff(shortest: pause, longest: max(pause, .seconds(60)))
        var tries = 0
        while !shutdown.isRequested, !Task.isCancelled {
            let result = await inbox.fetch(
                source: source, url: request.url(below: baseURL), headers: request.headers,
                maximumBytes: feed.maximumAnswerBytes)
            let fault: AnswerFault
            var wait = backoff.pause(number: tries + 1, jitter: .random(in: 0..<1))
            switch result {
            case .refused(_, let retryAfter):
                // Nothing was sent, so it was no try.
                wait = max(retryAfter, wait)
                await shutdown.sleep(for: .microseconds(wait))
                continue
            case .failed(let transferFault): fault = transferFault
            case .answered(let status, let body):
                switch read(status, body, task, run) {
                case .success(let rows): return .succeeded(rows)
                case .failure(let answerFault): fault = answerFault
                }
                // A source that does not know the thing asked for will not know it in a minute.
                if (400..<500).contains(status), status != 408, status != 429 { return .failed(fault) }
            }
            if fault.reason == .shutdown { return .interrupted }
            tries += 1
            guard tries <= retries else { return .failed(fault) }
            await shutdown.sleep(for: .microseconds(wait))
        }
        return .interrupted
    }

    private func read(_ status: Int, _ body: [UInt8], _ task: FeedTask, _ run: String) -> Result<
        [Observation], AnswerFault
    > {
        body.withUnsafeBytes { bytes in
            feed.read(Answer(status: status, body: bytes), to: task, run: run, observedAt: clock.now())
        }
    }
}
