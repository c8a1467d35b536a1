/// How long a writer waits for its turn and for the engine, and how often it starts again after a conflict.
public struct Patience: Hashable, Sendable {
    /// The wait for the turn before ``CatalogError/Kind/busy``.
    public let turn: Duration
    /// What one transaction may take before its engine process is ended: it holds the turn, and every writer behind it
    /// waits.
    public let transaction: Duration
    /// Times that a transaction is started before ``CatalogError/Kind/busy``.
    public let attempts: Int
    public let firstPause: Duration
    public let longestPause: Duration

    public init(
        turn: Duration = .seconds(30), transaction: Duration = .seconds(300), attempts: Int = 8,
        firstPause: Duration = .milliseconds(5), longestPause: Duration = .milliseconds(250)
    ) {
        self.turn = turn
        self.transaction = transaction
        self.attempts = attempts
        self.firstPause = firstPause
        self.longestPause = longestPause
    }

    /// The pause after the `count`-th fruitless try, counted from 0: it doubles up to the longest.
    ///
    /// - Parameter chance: from 0, for half of the pause, to 1, for all of it.
    func pause(after count: Int, chance: Double) -> Duration {
        min(longestPause, firstPause * (1 << min(count, 16))) * (0.5 + chance / 2)
    }
}
