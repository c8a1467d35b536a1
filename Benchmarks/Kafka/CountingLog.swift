import EventLog
import EventLogTesting
import Flusher
import Runtime
import Synchronization

/// A log that passes everything on and counts the messages that its members are given.
struct CountingLog: ForwardingLog {
    let real: any EventLog
    let count: MessageCount
    /// A member is given no messages before it has just so many partitions: its share.
    let share: Int

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        let consumer = try await real.join(group: group, instance: instance, topics: topics)
        return CountingConsumer(consumer, count: count, share: share)
    }
}

private final class CountingConsumer: ForwardingConsumer {
    private struct State {
        var owned: Set<TopicPartition> = []
        /// Resumed before there is the member's share.
        var held: Set<TopicPartition> = []
        var isOpen = false
    }

    let real: any GroupConsumer
    private let count: MessageCount
    private let share: Int
    private let state = Mutex(State())

    init(_ consumer: any GroupConsumer, count: MessageCount, share: Int) {
        real = consumer
        self.count = count
        self.share = share
    }

    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        let event = try await real.next(waitingAtMost: duration)
        switch event {
        case .records(let batch)?: count.add(batch.records.count)
        case .assigned(let positions)?:
            let isOpen = state.withLock { state in
                state.owned.formUnion(positions.keys)
                return state.isOpen
            }
            if !isOpen { await real.pause(Set(positions.keys)) }
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
        if let opened { await real.resume(opened) }
        return event
    }

    func pause(_ partitions: Set<TopicPartition>) async {
        state.withLock { $0.held.subtract(partitions) }
        await real.pause(partitions)
    }

    func resume(_ partitions: Set<TopicPartition>) async {
        let isOpen = state.withLock { state in
            if !state.isOpen { state.held.formUnion(partitions) }
            return state.isOpen
        }
        if isOpen { await real.resume(partitions) }
    }
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
