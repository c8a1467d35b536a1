import Synchronization

/// The outbox that the polling thread fills and the appending task empties.
final class Outbox: Sendable {
    private let state: Mutex<OutboxState>
    /// One element whenever there may be something to append; it ends with ``finish()``.
    let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(_ state: OutboxState) {
        self.state = Mutex(state)
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func withState<Result>(_ body: (inout OutboxState) -> Result) -> Result {
        state.withLock { state in body(&state) }
    }

    func put(_ quote: OutboxState.Quote, at time: Int64) {
        let wasEmpty = state.withLock { state in
            defer { state.put(quote, at: time) }
            return state.waitingQuotes == 0
        }
        if wasEmpty { signal.yield() }
    }

    func put(_ missing: MissingSlots, at time: Int64) { state.withLock { $0.put(missing, at: time) } }

    /// Has the appending task look, for gaps that have been open for long enough.
    func tick() { signal.yield() }

    /// Nothing more comes.
    func finish() { signal.finish() }
}
