/// Which tasks of a batch have ended: several run at once, and they are committed in their order.
struct TaskProgress: Sendable {
    private enum State: Sendable {
        case waiting
        case started
        case ended(TaskFetcher.Outcome?)
    }

    private var states: [State]
    private var nextToStart = 0
    private var nextToTake = 0
    private var isInterrupted = false

    init(count: Int) { states = Array(repeating: .waiting, count: count) }

    /// - Returns: the task to start, or nil where none is left, or one was interrupted.
    mutating func startNext() -> Int? {
        guard nextToStart < states.count, !isInterrupted else { return nil }
        states[nextToStart] = .started
        nextToStart += 1
        return nextToStart - 1
    }

    mutating func ended(_ index: Int, _ outcome: TaskFetcher.Outcome?) {
        if case .interrupted = outcome { isInterrupted = true }
        states[index] = .ended(outcome)
    }

    /// Takes the tasks that have ended, up to the first that has not, or was interrupted.
    mutating func takeEnded() -> [(index: Int, outcome: TaskFetcher.Outcome?)] {
        var taken: [(index: Int, outcome: TaskFetcher.Outcome?)] = []
        while nextToTake < states.count, case .ended(let outcome) = states[nextToTake] {
            if case .interrupted = outcome { break }
            taken.append((nextToTake, outcome))
            nextToTake += 1
        }
        return taken
    }
}
