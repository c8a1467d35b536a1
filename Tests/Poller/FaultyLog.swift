import EventLog
import MarketData
import Synchronization

@testable import Poller

/// A real log that refuses, or dies right after it has done, what a test names.
final class FaultyLog: EventLog {
    enum Step: Hashable, Sendable { case append, commit }
    /// When the log fails: before it has done anything, or once it has, so that the caller does not know.
    enum Moment: Hashable, Sendable, CaseIterable { case before, after }

    struct Failure: Sendable {
        let step: Step
        /// From 1, among the log's calls of this step.
        let call: Int
        let moment: Moment
    }

    private let log: any EventLog
    private let failures: Mutex<[Failure]>
    private let calls = Mutex<[Step: Int]>([:])
    private let refuses = Mutex(false)
    private let refusesRows = Mutex(false)
    private let beforeFirstAppend: @Sendable () async -> Void

    init(
        _ log: any EventLog, _ failures: [Failure] = [],
        beforeFirstAppend: @escaping @Sendable () async -> Void = {}
    ) {
        self.log = log
        self.beforeFirstAppend = beforeFirstAppend
        self.failures = Mutex(failures)
    }

    /// While it is true, nothing is appended.
    var refusesAppends: Bool {
        get { refuses.withLock { $0 } }
        set { refuses.withLock { $0 = newValue } }
    }

    /// While it is true, nothing is appended but the account of the slots.
    var refusesRowsAlone: Bool {
        get { refusesRows.withLock { $0 } }
        set { refusesRows.withLock { $0 = newValue } }
    }

    func calls(of step: Step) -> Int { calls.withLock { $0[step] ?? 0 } }

    var epoch: String { log.epoch }

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await log.declare(topic, readBy: groups)
    }

    func topics() async throws(LogError) -> [TopicDeclaration] { try await log.topics() }

    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        let moment = count(.append)
        if calls(of: .append) == 1 { await beforeFirstAppend() }
        if refusesAppends || moment == .before { throw Self.error }
        if refusesRowsAlone, messages.contains(where: { $0.topic != SlotsMessage.topic.name }) { throw Self.error }
        let positions = try await log.append(messages)
        if moment == .after { throw Self.error }
        return positions
    }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        FaultyConsumer(try await log.join(group: group, instance: instance, topics: topics), of: self)
    }

    func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        try await log.committed(group: group, topics: topics)
    }

    func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        try await log.watermarks(of: topic)
    }

    func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch
    {
        try await log.read(partition, from: start, to: end, maximumBytes: maximumBytes)
    }

    func applyRetention(now: Instant?) async throws(LogError) { try await log.applyRetention(now: now) }

    func close() async { await log.close() }

    fileprivate func count(_ step: Step) -> Moment? {
        let call = calls.withLock { calls in
            calls[step, default: 0] += 1
            return calls[step, default: 0]
        }
        return failures.withLock { $0.first { $0.step == step && $0.call == call }?.moment }
    }

    fileprivate static let error = LogError(.cannotWrite, doing: "test", cause: "a fault on purpose")
}

private final class FaultyConsumer: GroupConsumer {
    private let consumer: any GroupConsumer
    private let log: FaultyLog

    init(_ consumer: any GroupConsumer, of log: FaultyLog) {
        self.consumer = consumer
        self.log = log
    }

    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        try await consumer.next(waitingAtMost: duration)
    }

    func pause(_ partitions: Set<TopicPartition>) async { await consumer.pause(partitions) }

    func resume(_ partitions: Set<TopicPartition>) async { await consumer.resume(partitions) }

    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] {
        let moment = log.count(.commit)
        if moment == .before { throw FaultyLog.error }
        let positions = try await consumer.commit(batch)
        if moment == .after { throw FaultyLog.error }
        return positions
    }

    func release(_ partitions: Set<TopicPartition>) async throws(LogError) { try await consumer.release(partitions) }

    func leave() async { await consumer.leave() }
}
