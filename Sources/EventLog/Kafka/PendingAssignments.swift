import EventLog

/// What the group has given to a member and the member has yet to take up: it does not know where to read yet.
struct PendingAssignments {
    private(set) var partitions: Set<TopicPartition> = []
    /// The group waits for an answer, and all of the member's partitions with it.
    private(set) var isAnswerDue = false
    /// Tries that left some of them.
    private(set) var tries = 0
    private var due = ContinuousClock.now

    private static let longestPause = Duration.seconds(5)
    /// So many tries, some eleven seconds, pass before the caller hears of it: what ends by itself, as a transaction does
    /// that was left open, has ended by then.
    static let patientTries = 8

    /// - Parameter mustAnswer: false for those that the member has had before.
    mutating func add(_ added: Set<TopicPartition>, mustAnswer: Bool) {
        partitions.formUnion(added)
        if mustAnswer { isAnswerDue = true }
        tries = 0
        due = .now
    }

    mutating func remove(_ partitions: some Sequence<TopicPartition>) { self.partitions.subtract(partitions) }

    mutating func isAnswered() { isAnswerDue = false }

    func isDue(at now: ContinuousClock.Instant) -> Bool { isAnswerDue || (!partitions.isEmpty && now >= due) }

    /// Some are left.
    mutating func failed(at now: ContinuousClock.Instant) {
        tries += 1
        due = now + min(.milliseconds(100) * (1 << min(tries - 1, 10)), Self.longestPause)
    }
}
