import MarketData

/// What a topic keeps.
public struct Retention: Hashable, Sendable {
    public enum Cleanup: Hashable, Sendable {
        /// Remove messages that are older than `age`, or beyond `bytes` in a partition, and that every group has passed
        /// which has ever committed on the topic or was declared to read it. Where there is none, all that is old goes;
        /// on Kafka it goes whatever groups have yet to pass.
        case delete(age: Duration?, bytes: Int?)
        /// Keep the newest message of every key.
        case compact
    }

    public let cleanup: Cleanup

    public init(_ cleanup: Cleanup) { self.cleanup = cleanup }
}

public struct TopicDeclaration: Hashable, Sendable {
    public let name: String
    public let partitions: Int32
    public let retention: Retention

    public init(name: String, partitions: Int32, retention: Retention) {
        self.name = name
        self.partitions = partitions
        self.retention = retention
    }
}

/// A partition's first kept offset, and the offset that the next message will get.
public struct Watermarks: Hashable, Sendable {
    public let start: Offset
    public let end: Offset

    public init(start: Offset, end: Offset) {
        self.start = start
        self.end = end
    }
}

/// Topics, partitions, offsets and consumer groups.
///
/// Implementations: SQLite (embedded) and Kafka; one contract suite runs against each.
public protocol EventLog: Sendable {
    /// A short id, [a-z0-9]{8}, of this log: a log made anew has another.
    var epoch: String { get }

    /// Whether offsets may be missing between a partition's messages, other than by compaction.
    var hasOffsetGaps: Bool { get }

    /// Creates the topic, or checks that it is there with at least the partitions declared. Retention is updated.
    ///
    /// - Parameter groups: are to read every message: retention keeps what they have not passed, from now on, be they
    ///   never started. A later declaration adds to them and takes none away. On Kafka it has no effect.
    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError)

    /// Every topic, by name.
    func topics() async throws(LogError) -> [TopicDeclaration]

    /// Appends all messages, or none; they are durable when it returns. This opening of the log reads them from then on,
    /// others soon.
    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition]

    /// Makes `instance` a member of the group. The topics' partitions are divided among the group's live members.
    ///
    /// - Parameter instance: unique in the group and stable across restarts.
    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer

    /// The group's positions in these topics, after pending transactions; a partition never committed is absent.
    ///
    /// - Throws: ``LogError/Kind/unknownTopic`` where one of the topics is not there: what is not seen has no position,
    ///   which is not to be taken for one that was never committed.
    func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset]

    func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks]

    /// Reads without a group, from `start` (or the first kept offset after it) up to and without `end`.
    ///
    /// - Returns: a batch of at most `maximumBytes` in keys, values and headers, and of as many messages as
    ///   ``RecordBatch/maximumRecords(ofBytes:)`` says, or of one message; empty where nothing is left below `end`.
    func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch

    /// Removes what the topics' retention lets go; nothing where the log does that by itself.
    ///
    /// - Parameter now: the time of day; nil, where it is not to be believed, removes nothing for its age.
    func applyRetention(now: Instant?) async throws(LogError)

    func close() async
}

extension EventLog {
    /// Declares a topic that no group has to read.
    public func declare(_ topic: TopicDeclaration) async throws(LogError) { try await declare(topic, readBy: []) }

    /// The group's positions in every topic there is.
    public func committed(group: String) async throws(LogError) -> [TopicPartition: Offset] {
        try await committed(group: group, topics: Set(topics().map(\.name)))
    }
}

/// Where a message was stored.
public struct LogPosition: Hashable, Sendable {
    public let partition: TopicPartition
    public let offset: Offset

    public init(partition: TopicPartition, offset: Offset) {
        self.partition = partition
        self.offset = offset
    }
}

public enum ConsumerEvent: Sendable {
    /// The member now owns these partitions, from these positions (the committed one, else the first kept offset).
    case assigned([TopicPartition: Offset])
    /// The member is to give these up: flush, commit, then ``GroupConsumer/release(_:)``.
    case revoking(Set<TopicPartition>)
    /// These now belong to another member: drop what was buffered of them. A commit of theirs would be fenced.
    case lost(Set<TopicPartition>)
    /// What the group would read next was lost to retention: [from, to) is gone. A group that has never committed and
    /// is not assigned a partition from 0 is told so right after the assignment.
    case trimmed(TopicPartition, from: Offset, to: Offset)
    /// Without records where the position moves over what is no message: markers of transactions.
    case records(RecordBatch)
}

/// A batch done: the group's positions go from `start` to `end`, and the messages are appended, all of it or nothing.
public struct CommitBatch: Sendable {
    public struct Advance: Hashable, Sendable {
        public let partition: TopicPartition
        public let start: Offset
        public let end: Offset

        public init(partition: TopicPartition, start: Offset, end: Offset) {
            self.partition = partition
            self.start = start
            self.end = end
        }
    }

    public var advances: [Advance]
    public var appends: [OutgoingMessage]

    public init(advances: [Advance], appends: [OutgoingMessage]) {
        self.advances = advances
        self.appends = appends
    }
}

/// A member of a consumer group.
public protocol GroupConsumer: Sendable {
    /// The next event, or nil when nothing came within `duration`. Rebalances come before records.
    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent?

    /// No records of these partitions until they are resumed; membership goes on.
    func pause(_ partitions: Set<TopicPartition>) async

    func resume(_ partitions: Set<TopicPartition>) async

    /// The operation that matters: asserts each partition's position and this member's ownership, advances the
    /// positions and appends the messages atomically.
    ///
    /// - Throws: ``LogError/Kind/fenced`` where a partition moved to another member or its position is not `start`;
    ///   nothing has happened then.
    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition]

    /// Gives partitions back after ``ConsumerEvent/revoking(_:)``.
    func release(_ partitions: Set<TopicPartition>) async throws(LogError)

    /// Leaves the group; its partitions go to the other members at once.
    func leave() async
}

/// What went wrong with the log, and what was being done to what.
public struct LogError: Error, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// Ownership or position is no longer ours.
        case fenced
        case unknownTopic
        /// No space is left for the log, or its folder is read-only.
        case cannotWrite
        /// The file is not a log, or is damaged.
        case corrupt
        /// Another process holds the log longer than we wait, or no broker answers; trying again may help.
        case busy
        case closed
        case messageTooLarge
        case other
    }

    public let kind: Kind
    /// What was being done, with its topic, partition and offset: `append to pregao.quotes/0`.
    public let doing: String
    /// The library's own words.
    public let cause: String

    public init(_ kind: Kind, doing: String, cause: String) {
        self.kind = kind
        self.doing = doing
        self.cause = cause
    }

    public var description: String { "\(doing): \(cause) (\(kind.rawValue))" }
}
