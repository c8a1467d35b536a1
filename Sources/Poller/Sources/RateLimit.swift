/// A token bucket, kept as the time at which it would be full again (the generic cell rate algorithm): each request is
/// told when it may start, so that none has to ask twice.
struct RateLimit: Hashable, Sendable {
    /// Microseconds that one request costs.
    private let cost: Int64
    /// Microseconds by which requests may come early: the burst.
    private let tolerance: Int64
    private var nextFree: Int64 = .min / 2

    /// - Parameters:
    ///   - requestsPerSecond: above 0.
    ///   - burst: how many requests may start at once; at least 1.
    init(requestsPerSecond: Double, burst: Int) {
        cost = max(1, Int64((1_000_000 / requestsPerSecond).rounded()))
        tolerance = cost * Int64(max(burst, 1) - 1)
    }

    /// Takes a token.
    ///
    /// - Returns: when the request may start, `now` or later; nil, with nothing taken, where that is after `deadline`.
    mutating func reserve(at now: Int64, deadline: Int64) -> Int64? {
        let start = max(now, nextFree - tolerance)
        guard start <= deadline else { return nil }
        nextFree = max(nextFree, start) + cost
        return start
    }
}

/// How many requests a source may be sent in one UTC day.
struct DailyBudget: Hashable, Sendable {
    let limit: Int?
    private(set) var day: Int64 = .min
    private(set) var used = 0

    init(limit: Int?) { self.limit = limit }

    /// - Parameter microseconds: the wall clock's time.
    mutating func spend(at microseconds: Int64) -> Bool {
        let today = microseconds / 86_400_000_000
        if today != day {
            day = today
            used = 0
        }
        if let limit, used >= limit { return false }
        used += 1
        return true
    }
}
