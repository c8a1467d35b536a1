import Foundation
import Synchronization

/// The engine process that a blocked thread waits for, so that the cancellation of its caller, or a time limit, can end
/// it.
final class ProcessHandle: Sendable {
    private struct State {
        var id: pid_t?
        var isCancelled = false
    }

    private let state = Mutex(State())

    func watch(_ id: pid_t) {
        state.withLock { state in
            state.id = id
            if state.isCancelled { Self.end(id) }
        }
    }

    /// To be called when the process has ended and before it is reaped, after which its number may be another's.
    func forget() { state.withLock { $0.id = nil } }

    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            if let id = state.id { Self.end(id) }
        }
    }

    /// The engine has a process group of its own: whatever it started has the turn's descriptor too, and ends with it.
    private static func end(_ id: pid_t) { kill(-id, SIGKILL) }
}

/// Runs blocking work on a thread of its own, since Swift's pool has no thread to lose to a wait.
///
/// - Parameter limit: after this time the engine's process is ended, and what it was asked fails; nil for none.
func onThread<Success: Sendable>(
    within limit: Duration? = nil, _ body: @escaping @Sendable (ProcessHandle) throws(CatalogError) -> Success
) async throws(CatalogError) -> Success {
    let handle = ProcessHandle()
    let result = await withTaskCancellationHandler {
        await withCheckedContinuation { (continuation: CheckedContinuation<Result<Success, CatalogError>, Never>) in
            Thread.detachNewThread {
                continuation.resume(
                    returning: Result { () throws(CatalogError) in
                        try within(limit, ending: handle) { () throws(CatalogError) in try body(handle) }
                    })
            }
        }
    } onCancel: {
        handle.cancel()
    }
    return try result.get()
}

/// Runs blocking work that waits for the handle's process.
///
/// - Parameter limit: after this time the process is ended, and what it was asked fails; nil for none.
func within<Success>(
    _ limit: Duration?, ending handle: ProcessHandle, _ body: () throws(CatalogError) -> Success
) throws(CatalogError) -> Success {
    let watchdog = limit.map { TimeLimit($0, ending: handle) }
    do throws(CatalogError) {
        defer { watchdog?.stop() }
        return try body()
    } catch {
        // What was committed before the end is done, and no failure.
        guard let limit, watchdog?.hasStruck == true else { throw error }
        throw CatalogError(
            .engine, doing: error.doing, cause: "the engine was ended: it had not answered within \(limit)")
    }
}

/// Ends an engine's process after a time, unless it is stopped before.
private final class TimeLimit: Sendable {
    private enum State { case running, stopped, struck }

    private let state = Mutex(State.running)

    init(_ limit: Duration, ending handle: ProcessHandle) {
        // Not a task's sleep: Swift's pool may be busy with what waits for this very process.
        let (seconds, attoseconds) = limit.components
        let interval = DispatchTimeInterval.nanoseconds(Int(attoseconds / 1_000_000_000))
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(Int(seconds)) + interval) { [weak self] in
            guard let self, self.strike() else { return }
            handle.cancel()
        }
    }

    var hasStruck: Bool { state.withLock { $0 == .struck } }

    func stop() { state.withLock { if $0 == .running { $0 = .stopped } } }

    private func strike() -> Bool {
        state.withLock { state in
            guard state == .running else { return false }
            state = .struck
            return true
        }
    }
}
