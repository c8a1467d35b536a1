import CMicrohttpd
import Synchronization

/// What the library's callbacks see of a server: the handler, the requests under way, the connections that wait.
final class HTTPServerCore: Sendable {
    let maximumBodyBytes: Int
    let handler: HTTPServer.Handler

    private struct State {
        var requestsUnderWay = 0
        var suspensions: [ObjectIdentifier: Suspension] = [:]
        var whenDrained: AsyncStream<Never>.Continuation?
        var isAbandoned = false
    }

    private let state = Mutex(State())
    private let stopping = Atomic(false)

    init(maximumBodyBytes: Int, handler: @escaping HTTPServer.Handler) {
        self.maximumBodyBytes = maximumBodyBytes
        self.handler = handler
    }

    /// Answers say that their connection closes, so that busy clients cannot keep a stopping server alive.
    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    func requestBegan() { state.withLock { $0.requestsUnderWay += 1 } }

    func requestEnded() {
        state.withLock { state in
            state.requestsUnderWay -= 1
            if state.requestsUnderWay == 0 { state.whenDrained?.finish() }
        }
    }

    /// Returns when no request is under way, or when the time is over.
    func drain(atMost limit: Duration) async {
        stopping.store(true, ordering: .relaxed)
        let (drained, continuation) = AsyncStream<Never>.makeStream()
        state.withLock { state in
            if state.requestsUnderWay == 0 { continuation.finish() } else { state.whenDrained = continuation }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in drained {} }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Takes a connection out of its thread's loop while `work` runs; to be called from the library's callbacks only.
    ///
    /// - Parameter abandoned: runs instead of what the work calls at its end, where the server stops first.
    /// - Returns: false where the server is stopping and waits for nobody.
    func suspend(
        _ connection: OpaquePointer, abandoned: @escaping @Sendable () -> Void,
        work: @escaping @Sendable (Suspension) async -> Void
    ) -> Bool {
        let suspension = Suspension(connection: connection, core: self, abandoned: abandoned)
        // Inside the lock: whoever abandons everything must find the connection suspended, since resuming one that is
        // not is undefined.
        let isSuspended = state.withLock { state in
            guard !state.isAbandoned else { return false }
            state.suspensions[ObjectIdentifier(suspension)] = suspension
            MHD_suspend_connection(suspension.handle)
            return true
        }
        if isSuspended { suspension.start(work) }
        return isSuspended
    }

    func forget(_ suspension: Suspension) {
        state.withLock { _ = $0.suspensions.removeValue(forKey: ObjectIdentifier(suspension)) }
    }

    /// The library must not be stopped while connections are suspended: all of them are resumed, to be closed.
    func abandonEverything() {
        let suspensions = state.withLock { state in
            state.isAbandoned = true
            return Array(state.suspensions.values)
        }
        for suspension in suspensions { suspension.abandon() }
    }
}

/// A connection that waits for a task; it is resumed exactly once, by the task's end or by the server's.
final class Suspension: Sendable {
    private struct State {
        var isResumed = false
        var task: Task<Void, Never>?
    }

    private let connection: UInt
    private let core: HTTPServerCore
    private let abandoned: @Sendable () -> Void
    private let state = Mutex(State())

    init(connection: OpaquePointer, core: HTTPServerCore, abandoned: @escaping @Sendable () -> Void) {
        self.connection = UInt(bitPattern: connection)
        self.core = core
        self.abandoned = abandoned
    }

    var handle: OpaquePointer? { OpaquePointer(bitPattern: connection) }

    /// The library's threads are outside of Swift's tasks, so that this task has no parent; the core holds it until
    /// its end, and cancels it where the server stops first.
    func start(_ work: @escaping @Sendable (Suspension) async -> Void) {
        let task = Task { await work(self) }
        state.withLock { $0.task = task }
    }

    func resume(_ settle: () -> Void) {
        state.withLock { state in
            guard !state.isResumed else { return }
            state.isResumed = true
            settle()
            MHD_resume_connection(handle)
        }
        core.forget(self)
    }

    func abandon() {
        state.withLock { $0.task }?.cancel()
        resume(abandoned)
    }
}
