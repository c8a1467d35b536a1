/// Pauses that grow with each failure: doubled from `first` up to `longest`, and then shortened by up to half at
/// random, so that instances that failed together do not come back together.
public struct RetryPause: Hashable, Sendable {
    public var first: Duration
    public var longest: Duration

    public init(first: Duration = .milliseconds(200), longest: Duration = .seconds(30)) {
        self.first = first
        self.longest = longest
    }

    /// - Parameters:
    ///   - attempt: failures so far, from 1.
    ///   - jitter: from 0 to 1.
    func duration(afterAttempt attempt: Int, jitter: Double) -> Duration {
        let doublings = min(max(attempt, 1) - 1, 30)
        let whole = min(first * (1 << doublings), longest)
        return whole * (1 - jitter / 2)
    }
}
