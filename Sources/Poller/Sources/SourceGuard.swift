import MarketData

/// Whether a source may be asked now: its rate limit, its daily budget, the pauses that it asked for, and the circuit
/// that opens when it fails again and again. Times are the monotonic clock's, in microseconds.
struct SourceGuard: Sendable {
    enum Admission: Hashable, Sendable {
        /// The request may start at this time, now or later; its token is taken.
        case start(at: Int64)
        /// It may not start before its deadline; asking again has a chance from `until` on.
        case refused(GapReason, until: Int64)
    }

    /// What an answer says about the source, rather than about the one thing that was asked.
    enum Outcome: Hashable, Sendable {
        /// It answered in order, even if to say that it does not know the symbol.
        case healthy
        /// It did not answer, or with a fault of its own (5xx).
        case failed
        /// It asked us to come later: 429, or 503 with a Retry-After; microseconds, nil where it did not say how long.
        case throttled(retryAfter: Int64?)
    }

    private enum Circuit: Hashable, Sendable {
        case closed
        case open(until: Int64)
        /// One request is under way, and decides.
        case halfOpen
    }

    let limits: SourceLimits
    private var rate: RateLimit?
    private(set) var budget: DailyBudget
    private var circuit = Circuit.closed
    private var failures = 0
    private var openings = 0
    private var throttlings = 0
    private var pausedUntil: Int64 = .min

    init(_ limits: SourceLimits) {
        self.limits = limits
        rate = limits.requestsPerSecond.map { RateLimit(requestsPerSecond: $0, burst: limits.burst) }
        budget = DailyBudget(limit: limits.dailyBudget)
    }

    var isOpen: Bool { circuit != .closed }

    /// - Parameter deadline: the latest time at which starting still makes sense.
    mutating func admit(at now: ClockReading, deadline: Int64) -> Admission {
        let time = now.monotonic
        if pausedUntil > time { return .refused(.rateLimited, until: pausedUntil) }
        switch circuit {
        case .closed: break
        case .open(let until) where until > time: return .refused(.circuitOpen, until: until)
        case .halfOpen: return .refused(.circuitOpen, until: time + limits.shortestPause.microseconds)
        case .open: break
        }
        var rate = rate
        let start = rate?.reserve(at: time, deadline: deadline) ?? (rate == nil ? time : nil)
        guard let start else { return .refused(.rateBudget, until: deadline) }
        guard budget.spend(at: now.wall.microseconds) else {
            let rest = 86_400_000_000 - now.wall.microseconds % 86_400_000_000
            return .refused(.rateBudget, until: time + rest)
        }
        self.rate = rate
        if circuit != .closed { circuit = .halfOpen }
        return .start(at: start)
    }

    /// A retry costs like a first try.
    mutating func finished(_ outcome: Outcome, at time: Int64, jitter: Double) {
        switch outcome {
        case .healthy:
            failures = 0
            openings = 0
            throttlings = 0
            circuit = .closed
        case .throttled(let retryAfter):
            throttlings += 1
            let pause = min(retryAfter ?? pause(number: throttlings, jitter), limits.longestPause.microseconds)
            pausedUntil = max(pausedUntil, time + pause)
            if circuit == .halfOpen { circuit = .open(until: pausedUntil) }
        case .failed:
            failures += 1
            let opens = circuit == .halfOpen || (circuit == .closed && failures >= limits.failuresThatOpen)
            guard opens else { return }
            openings += 1
            circuit = .open(until: time + pause(number: openings, jitter))
        }
    }

    /// The request was given up before it said anything about the source.
    mutating func abandoned(at time: Int64) {
        if circuit == .halfOpen { circuit = .open(until: time) }
    }

    private func pause(number: Int, _ jitter: Double) -> Int64 {
        Backoff(shortest: limits.shortestPause, longest: limits.longestPause).pause(number: number, jitter: jitter)
    }
}

/// Pauses that double from one to the next, each shortened at random by up to half, so that what failed together does
/// not come back together.
struct Backoff: Hashable, Sendable {
    let shortest: Duration
    let longest: Duration

    /// - Parameters:
    ///   - number: from 1.
    ///   - jitter: at random from 0 to 1.
    /// - Returns: microseconds.
    func pause(number: Int, jitter: Double) -> Int64 {
        let doubled = Double(shortest.microseconds) * Double(1 << min(max(number, 1) - 1, 30))
        return Int64(min(doubled, Double(longest.microseconds)) * (1 - jitter / 2))
    }
}
