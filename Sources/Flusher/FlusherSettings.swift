import MarketData

public struct FlusherSettings: Sendable {
    /// For datasets that have no trigger of their own.
    public var trigger: BatchTrigger
    /// For datasets filled by runs that have no trigger of their own: short, since somebody waits for them.
    public var runsTrigger: BatchTrigger
    /// By a dataset's name.
    public var triggers: [String: BatchTrigger]
    /// Bytes that may be buffered over all partitions. Beyond it partitions are paused and the fullest are flushed
    /// early; one batch of records that was already under way may come on top.
    public var memoryLimit: Int
    public var group: String
    /// Unique in the group and stable across restarts.
    public var instance: String
    /// A dead letter that is longer, as JSON with the message inside, is kept as an object in the store, which a short
    /// letter names.
    public var deadLetterInlineLimit: Int
    /// Between tries while the store or the log refuses.
    public var retryPause: RetryPause
    /// Threads that encode. Partitions are divided among them.
    public var encoderThreads: Int

    public init(
        instance: String, trigger: BatchTrigger = BatchTrigger(),
        runsTrigger: BatchTrigger = BatchTrigger(interval: .seconds(5)), triggers: [String: BatchTrigger] = [:],
        memoryLimit: Int = 96 << 20, group: String = "pregao.flusher", deadLetterInlineLimit: Int = 64 << 10,
        retryPause: RetryPause = RetryPause(), encoderThreads: Int = 2
    ) {
        self.instance = instance
        self.trigger = trigger
        self.runsTrigger = runsTrigger
        self.triggers = triggers
        self.memoryLimit = memoryLimit
        self.group = group
        self.deadLetterInlineLimit = deadLetterInlineLimit
        self.retryPause = retryPause
        self.encoderThreads = encoderThreads
    }

    public func trigger(of dataset: Dataset) -> BatchTrigger {
        triggers[dataset.name] ?? (dataset.isFilledByRuns ? runsTrigger : trigger)
    }
}
