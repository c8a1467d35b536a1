import Dispatch
import Synchronization

/// What a thread has to do, handed over in the order given.
package final class JobQueue<Job: Sendable>: Sendable {
    private struct State {
        var jobs: [Job] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)

    package init() {}

    /// - Returns: false where the queue is closed; the job will never be done then.
    package func push(_ job: Job) -> Bool {
        let taken = state.withLock { state in
            guard !state.isClosed else { return false }
            state.jobs.append(job)
            return true
        }
        if taken { news.signal() }
        return taken
    }

    /// Everything waiting; waits for the first. An empty answer means that `limit` passed.
    ///
    /// - Returns: nil once the queue is closed and empty.
    package func takeAll(waitingAtMost limit: Duration? = nil) -> [Job]? {
        while true {
            let (jobs, isClosed) = state.withLock { state in
                defer { state.jobs = [] }
                return (state.jobs, state.isClosed)
            }
            if !jobs.isEmpty { return jobs }
            if isClosed { return nil }
            guard let limit else {
                news.wait()
                continue
            }
            if news.wait(timeout: .now() + .microseconds(Int(limit.inMicroseconds))) == .timedOut { return [] }
        }
    }

    /// What was pushed before is still done; what comes later is not taken.
    package func close() {
        state.withLock { $0.isClosed = true }
        news.signal()
    }
}
