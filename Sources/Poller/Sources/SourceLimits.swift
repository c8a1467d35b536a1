/// What a source (an address that several feeds may share) is to be spared.
public struct SourceLimits: Hashable, Sendable {
    /// Requests a second, on average; nil for no limit.
    public var requestsPerSecond: Double?
    /// Requests that may start at once when the source was left alone before.
    public var burst: Int
    /// Requests a UTC day, retries included, counted from the poller's start; nil for no limit.
    public var dailyBudget: Int?
    /// Requests under way at once; more wait.
    public var maximumInFlight: Int
    /// Failures in a row (no answer, or 5xx) after which the circuit opens.
    public var failuresThatOpen: Int
    /// The first pause of a circuit, or after a 429 that does not say how long; each further one is twice as long.
    public var shortestPause: Duration
    /// The longest pause, also where a Retry-After asks for more.
    public var longestPause: Duration

    public init(
        requestsPerSecond: Double? = nil, burst: Int = 10, dailyBudget: Int? = nil, maximumInFlight: Int = 256,
        failuresThatOpen: Int = 10, shortestPause: Duration = .seconds(1), longestPause: Duration = .seconds(300)
    ) {
        self.requestsPerSecond = requestsPerSecond
        self.burst = burst
        self.dailyBudget = dailyBudget
        self.maximumInFlight = maximumInFlight
        self.failuresThatOpen = failuresThatOpen
        self.shortestPause = shortestPause
        self.longestPause = longestPause
    }
}
