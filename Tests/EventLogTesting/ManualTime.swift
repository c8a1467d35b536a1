import Synchronization

/// Time that passes only by sleeping: of those who sleep, the one who is to wake first moves it on.
public final class ManualTime: Sendable {
    private struct State {
        var now = Duration.zero
        var wakings: [UInt64: Duration] = [:]
        var sleeps: UInt64 = 0
        var taken: [(count: Int, at: Duration)] = []
    }

    private let state = Mutex(State())

    public init() {}

    public var now: Duration { state.withLock { $0.now } }

    /// Messages were taken from the log.
    public func taken(_ count: Int) { state.withLock { $0.taken.append((count, $0.now)) } }

    public func countOfTaken(before moment: Duration) -> Int {
        state.withLock { $0.taken.filter { $0.at < moment }.reduce(0) { $0 + $1.count } }
    }

    public func sleep(_ duration: Duration) async {
        let sleeper = state.withLock { state in
            state.sleeps += 1
            state.wakings[state.sleeps] = state.now + duration
            return state.sleeps
        }
        while !wakes(sleeper) { await Task.yield() }
    }

    private func wakes(_ sleeper: UInt64) -> Bool {
        state.withLock { state in
            guard let waking = state.wakings[sleeper], waking == state.wakings.values.min() else { return false }
            state.wakings[sleeper] = nil
            state.now = max(state.now, waking)
            return true
        }
    }
}
