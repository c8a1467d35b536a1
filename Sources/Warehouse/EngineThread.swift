import Foundation
import Synchronization

/// The engine process that a blocked thread waits for, so that the cancellation of its caller can end it.
final class ProcessHandle: Sendable {
    private struct State {
        var id: pid_t?
        var isCancelled = false
    }

    private let state = Mutex(State())

    func watch(_ id: pid_t) {
        state.withLock { state in
            state.id = id
            if state.isCancelled { kill(id, SIGKILL) }
        }
    }

    /// To be called when the process has ended and before it is reaped, after which its number may be another's.
    func forget() { state.withLock { $0.id = nil } }

    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            if let id = state.id { kill(id, SIGKILL) }
        }
    }
}

/// Runs blocking work on a thread of its own, since Swift's pool has no thread to lose to a wait.
func onThread<Success: Sendable>(
    _ body: @escaping @Sendable (ProcessHandle) throws(CatalogError) -> Success
) async throws(CatalogError) -> Success {
    let handle = ProcessHandle()
    let result = await withTaskCancellationHandler {
        await withCheckedContinuation { (continuation: CheckedContinuation<Result<Success, CatalogError>, Never>) in
            Thread.detachNewThread {
                continuation.resume(returning: Result { () throws(CatalogError) in try body(handle) })
            }
        }
    } onCancel: {
        handle.cancel()
    }
    return try result.get()
}
