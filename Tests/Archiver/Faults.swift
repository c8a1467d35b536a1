import EventLog
import Lake
import MarketData
import Synchronization

/// A call that the archiver makes, before or after it was carried out.
struct Moment: Hashable, Sendable, CustomStringConvertible {
    enum Call: String, Sendable, CaseIterable {
        case read, putBackup, readBackup, putAnnouncement, putRefusal, commit, next, join
    }
    enum Side: String, Sendable, CaseIterable { case before, after }

    let call: Call
    let side: Side

    init(_ side: Side, _ call: Call) {
        self.call = call
        self.side = side
    }

    var description: String { "\(side) \(call)" }
}

/// What may go wrong at a moment; asked at each, in the order that they come.
protocol Fault: Sendable {
    /// Whether the call fails there.
    func strikes(at moment: Moment) async -> Bool
    /// What a log says that is struck.
    var logError: LogError.Kind { get }
}

extension Fault {
    var logError: LogError.Kind { .busy }
}

struct NoFault: Fault {
    func strikes(at moment: Moment) -> Bool { false }
}

/// The call never works.
struct Always: Fault {
    private let moment: Moment

    init(at moment: Moment) { self.moment = moment }

    func strikes(at moment: Moment) -> Bool { moment == self.moment }
}

/// The process dies at a moment: from then on its log and its stores do nothing for it.
final class Death: Fault {
    private let moment: Moment
    private let hasCome = Mutex(false)

    init(at moment: Moment) { self.moment = moment }

    var isDead: Bool { hasCome.withLock { $0 } }
    var logError: LogError.Kind { .closed }

    func strikes(at moment: Moment) -> Bool {
        hasCome.withLock { hasCome in
            hasCome = hasCome || moment == self.moment
            return hasCome
        }
    }
}

/// The call fails the first times of a moment and works from then on; after the call was carried out, its answer is
/// lost.
final class Hiccup: Fault {
    private let moment: Moment
    private let left: Mutex<Int>

    init(at moment: Moment, times: Int = 2) {
        self.moment = moment
        left = Mutex(times)
    }

    func strikes(at moment: Moment) -> Bool {
        moment == self.moment
            && left.withLock { left in
                left -= 1
                return left >= 0
            }
    }
}

/// The process is frozen at a moment, whenever it comes, until it is woken.
final class Freeze: Fault {
    private let moment: Moment
    let began = Gate()
    let end = Gate()

    init(at moment: Moment) { self.moment = moment }

    func strikes(at moment: Moment) async -> Bool {
        guard moment == self.moment else { return false }
        began.open()
        await end.opened()
        return false
    }
}

/// Opens once; whoever comes before that waits.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func opened() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// A real store, as a process sees it to which something happens.
struct FaultyStore: ObjectStore {
    let real: any ObjectStore
    let isBackup: Bool
    let fault: any Fault

    var bucket: String { real.bucket }

    func put(_ bytes: [UInt8], at key: String) async throws(StoreError) {
        let call: Moment.Call =
            key.hasPrefix("ledger/") ? .putRefusal : key.hasSuffix(".json") ? .putAnnouncement : .putBackup
        try await strike(Moment(.before, call), key)
        try await real.put(bytes, at: key)
        try await strike(Moment(.after, call), key)
    }

    func read(_ key: String) async throws(StoreError) -> [UInt8] {
        try await strike(Moment(.before, isBackup ? .readBackup : .read), key)
        let bytes = try await real.read(key)
        try await strike(Moment(.after, isBackup ? .readBackup : .read), key)
        return bytes
    }

    private func strike(_ moment: Moment, _ key: String) async throws(StoreError) {
        guard await fault.strikes(at: moment) else { return }
        throw StoreError(.unavailable, doing: "\(moment) \(key)", cause: "the test's fault")
    }

    func size(of key: String) async throws(StoreError) -> Int64? { try await real.size(of: key) }
    func list(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StoredObject] {
        try await real.list(prefix: prefix, after: after, limit: limit)
    }
    func remove(_ key: String) async throws(StoreError) { try await real.remove(key) }
    func location(of key: String) -> String { real.location(of: key) }
}

/// A real log, as a process sees it to which something happens.
struct FaultyLog: EventLog {
    let real: any EventLog
    let fault: any Fault
    var time: ManualTime?
    let onCommit: @Sendable (CommitBatch) -> Void

    var epoch: String { real.epoch }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        if await fault.strikes(at: Moment(.before, .join)) { throw error(.join) }
        let consumer = try await real.join(group: group, instance: instance, topics: topics)
        return FaultyConsumer(real: consumer, fault: fault, time: time, onCommit: onCommit)
    }

    private func error(_ call: Moment.Call) -> LogError {
        LogError(fault.logError, doing: call.rawValue, cause: "the test's fault")
    }

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await real.declare(topic, readBy: groups)
    }
    func topics() async throws(LogError) -> [TopicDeclaration] { try await real.topics() }
    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        try await real.append(messages)
    }
    func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        try await real.committed(group: group, topics: topics)
    }
    func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        try await real.watermarks(of: topic)
    }
    func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch
    {
        try await real.read(partition, from: start, to: end, maximumBytes: maximumBytes)
    }
    func applyRetention(now: Instant?) async throws(LogError) { try await real.applyRetention(now: now) }
    func close() async { await real.close() }
}

struct FaultyConsumer: GroupConsumer {
    let real: any GroupConsumer
    let fault: any Fault
    /// What it waits by; nil for the machine's own.
    let time: ManualTime?
    let onCommit: @Sendable (CommitBatch) -> Void

    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        try await strike(Moment(.before, .next))
        guard let time else { return try await real.next(waitingAtMost: duration) }
        let event = try await real.next(waitingAtMost: .zero)
        if case .records(let batch)? = event { time.taken(batch.records.count) }
        if event == nil { await time.sleep(duration) }
        return event
    }

    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] {
        try await strike(Moment(.before, .commit))
        let positions = try await real.commit(batch)
        onCommit(batch)
        try await strike(Moment(.after, .commit))
        return positions
    }

    private func strike(_ moment: Moment) async throws(LogError) {
        guard await fault.strikes(at: moment) else { return }
        throw LogError(fault.logError, doing: "\(moment)", cause: "the test's fault")
    }

    func pause(_ partitions: Set<TopicPartition>) async { await real.pause(partitions) }
    func resume(_ partitions: Set<TopicPartition>) async { await real.resume(partitions) }
    func release(_ partitions: Set<TopicPartition>) async throws(LogError) { try await real.release(partitions) }

    func leave() async {
        // The dead do not leave.
        if let death = fault as? Death, death.isDead { return }
        await real.leave()
    }
}

/// A machine's time as one process sees it.
struct FixedLeaseClock: LeaseClock {
    let microseconds: Int64

    func now() -> LeaseTime { LeaseTime(boot: "test", microseconds: microseconds) }
}
