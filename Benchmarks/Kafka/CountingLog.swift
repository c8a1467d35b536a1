import EventLog
import Flusher
import MarketData
import Runtime
import Synchronization

/// A log that passes everything on and counts the messages that its members are given.
struct CountingLog: EventLog {
    let log: any EventLog
    let count: MessageCount
    /// A member is given no messages before it has just so many partitions: its share.
    let share: Int

    var epoch: String { log.epoch }
    var hasOffsetGaps: Bool { log.hasOffsetGaps }

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await log.declare(topic, readBy: groups)
    }

    func topics() async throws(LogError) -> [TopicDeclaration] { try await log.topics() }

    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        try await log.append(messages)
    }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        let consumer = try await log.join(group: group, instance: instance, topics: topics)
        return CountingConsumer(consumer: consumer, count: count, share: share)
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
}

private final class CountingConsumer: GroupConsumer {
    private struct State {
        var owned: Set<TopicPartition> = []
        /// Resumed before there is the member's share.
        var held: Set<TopicPartition> = []
        var isOpen = false
    }

    private let consumer: any GroupConsumer
    private let count: MessageCount
    private let share: Int
    private let state = Mutex(State())

    init(consumer: any GroupConsumer, count: MessageCount, share: Int) {
        self.consumer = consumer
        self.count = count
        self.share = share
    }

    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        let event = try await consumer.next(waitingAtMost: duration)
        switch event {
        case .records(let batch)?: count.add(batch.records.count)
        case .assigned(let positions)?:
            let isOpen = state.withLock { state in
                state.owned.formUnion(positions.keys)
                return state.isOpen
            }
            if !isOpen { await consumer.pause(Set(positions.keys)) }
        case .revoking(let partitions)?, .lost(let partitions)?:
            state.withLock { state in
                state.owned.subtract(partitions)
                state.held.subtract(partitions)
            }
        case .trimmed?, nil: break
        }
        let opened = state.withLock { state -> Set<TopicPartition>? in
            guard !state.isOpen, state.owned.count == share else { return nil }
            state.isOpen = true
            return state.held
        }
        if let opened { await consumer.resume(opened) }
        return event
    }

    func pause(_ partitions: Set<TopicPartition>) async {
        state.withLock { $0.held.subtract(partitions) }
        await consumer.pause(partitions)
    }

    func resume(_ partitions: Set<TopicPartition>) async {
        let isOpen = state.withLock { state in
            if !state.isOpen { state.held.formUnion(partitions) }
            return state.isOpen
        }
        if isOpen { await consumer.resume(partitions) }
    }

    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] { try await consumer.commit(batch) }

    func release(_ partitions: Set<TopicPartition>) async throws(LogError) { try await consumer.release(partitions) }

    func leave() async { await consumer.leave() }
}

/// How many messages came, when the first did, and whether they are as many as are awaited.
final class MessageCount: Sendable {
    private let state = Mutex<(messages: Int, began: Int64?)>((0, nil))
    private let awaited: Int?
    private let shutdown: Shutdown

    /// - Parameter awaited: requests the shutdown once so many came; nil counts on.
    init(awaited: Int?, shutdown: Shutdown) {
        self.awaited = awaited
        self.shutdown = shutdown
    }

    func add(_ messages: Int) {
        let total = state.withLock { state in
            state.messages += messages
            if state.began == nil, messages > 0 { state.began = Figures.now() }
            return state.messages
        }
        if let awaited, total >= awaited { shutdown.request() }
    }

    var messages: Int { state.withLock { $0.messages } }
    var began: Int64 { state.withLock { $0.began } ?? Figures.now() }
}
