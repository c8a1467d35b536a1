import Synchronization

/// Time that passes only by sleeping: of those who sleep, the one who is to wake first moves it on.
final class ManualTime: Sendable {
    private struct State {
        var now = Duration.zero
        var wakings: [UInt64: Duration] = [:]
        var sleeps: UInt64 = 0
    }

    private let state = Mutex(State())

    var now: Duration { state.withLock { $0.now } }

    func sleep(_ duration: Duration) async {
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
