import Foundation
import Synchronization

/// Runs calls that block, such as fsync, on threads of their own, so that Swift's cooperative pool never waits on a disk.
struct BlockingWork: Sendable {
    private let queue: OperationQueue
    private let limit: Duration?

    /// - Parameters:
    ///   - width: how many calls may be under way at the same time; the others wait, without a thread.
    ///   - limit: after which the caller goes on without the call; nil where the call has a limit of its own. A call under
    ///     way goes on, since nothing can stop it, and keeps its thread; one that waits is never made.
    init(label: String, width: Int = 64, limit: Duration? = nil) {
        queue = OperationQueue()
        queue.name = label
        queue.maxConcurrentOperationCount = width
        self.limit = limit
    }

    func run<Value: Sendable>(
        _ doing: String = "", _ work: @escaping @Sendable () throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            let call = Call(work, continuation)
            queue.addOperation { call.run() }
            guard let limit else { return }
            let cause = "no answer within \(limit)"
            DispatchQueue.global().asyncAfter(deadline: .now() + limit / .seconds(1)) {
                call.answer(.failure(StoreError(.unavailable, doing: doing, cause: cause)))
            }
        }
        return try result.get()
    }

    /// A call that is answered once: by what it gives, or for want of an answer.
    private final class Call<Value: Sendable>: Sendable {
        private struct State {
            /// Until it begins, or its caller has gone: it may hold an object's bytes.
            var work: (@Sendable () throws(StoreError) -> Value)?
            var continuation: CheckedContinuation<Result<Value, StoreError>, Never>?
        }

        private let state: Mutex<State>

        init(
            _ work: @escaping @Sendable () throws(StoreError) -> Value,
            _ continuation: CheckedContinuation<Result<Value, StoreError>, Never>
        ) {
            state = Mutex(State(work: work, continuation: continuation))
        }

        func run() {
            guard let work = state.withLock({ $0.work.take() }) else { return }
            do throws(StoreError) { answer(.success(try work())) } catch { answer(.failure(error)) }
        }

        func answer(_ result: Result<Value, StoreError>) {
            let continuation = state.withLock { state in
                state.work = nil
                return state.continuation.take()
            }
            continuation?.resume(returning: result)
        }
    }
}
