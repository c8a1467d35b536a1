/// The jobs of one source: who may ask it, how many requests are under way, and what waits for a place among them.
struct SourceLine<Job> {
    /// What becomes of a job that was admitted.
    enum Place {
        case start
        case waiting
        /// More were waiting than may: the oldest of them leaves.
        case waitingInPlaceOf(Job)
    }

    private(set) var guardian: SourceGuard
    private var inFlight = 0
    private var waiting = WaitingLine<Job>()

    init(_ limits: SourceLimits) { guardian = SourceGuard(limits) }

    var waitingCount: Int { waiting.count }

    private var hasPlace: Bool { inFlight < guardian.limits.maximumInFlight }

    /// - Parameter deadline: the latest time at which starting still makes sense.
    mutating func admit(at now: ClockReading, deadline: Int64) -> SourceGuard.Admission {
        guardian.admit(at: now, deadline: deadline)
    }

    mutating func place(_ job: Job, maximumWaiting: Int) -> Place {
        guard !hasPlace else { return .start }
        waiting.append(job)
        guard waiting.count > maximumWaiting, let oldest = waiting.popFirst() else { return .waiting }
        return .waitingInPlaceOf(oldest)
    }

    /// The one that has waited longest, where there is a place for it now.
    mutating func next() -> Job? { hasPlace ? waiting.popFirst() : nil }

    mutating func removeAll() -> [Job] {
        var jobs: [Job] = []
        while let job = waiting.popFirst() { jobs.append(job) }
        return jobs
    }

    mutating func started() { inFlight += 1 }

    /// A job that was admitted is not started after all.
    mutating func abandoned(at time: Int64) { guardian.abandoned(at: time) }

    mutating func finished(_ outcome: SourceGuard.Outcome, at time: Int64) {
        inFlight -= 1
        guardian.finished(outcome, at: time, jitter: outcome == .healthy ? 0 : .random(in: 0..<1))
    }
}
