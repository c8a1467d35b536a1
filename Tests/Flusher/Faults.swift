import EventLog
import EventLogTesting
import Lake
import MarketData
import Synchronization

/// A call that the flusher makes, before or after it was carried out.
struct Moment: Hashable, Sendable, CustomStringConvertible {
    enum Call: String, Sendable, CaseIterable { case join, next, put, commit, release, leave }
    enum Side: String, Sendable, CaseIterable { case before, after }

    let call: Call
    let side: Side

    var description: String { "\(side) \(call)" }
}

/// What may go wrong at a moment; asked at each, in the order that they come.
protocol Fault: Sendable {
    func strike(at moment: Moment) async throws(LogError)
}

/// The process dies at the n-th time of a moment: from then on nothing that it does has any effect.
final class Death: Fault {
    private let matches: @Sendable (Moment) -> Bool
    private let countdown: Mutex<Int>

    init(atNumber number: Int = 1, where matches: @escaping @Sendable (Moment) -> Bool) {
        self.matches = matches
        countdown = Mutex(number)
    }

    var isDead: Bool { countdown.withLock { $0 <= 0 } }

    func strike(at moment: Moment) throws(LogError) {
        let isDead = countdown.withLock { left in
            if left > 0, matches(moment) { left -= 1 }
            return left <= 0
        }
        if isDead { throw LogError(.closed, doing: "\(moment)", cause: "the process is dead") }
    }
}

/// The call fails the first times of a moment and works from then on; after the call was carried out, its answer is
/// lost.
final class Refusal: Fault {
    private let moment: Moment
    private let kind: LogError.Kind
    private let left: Mutex<Int>

    init(_ moment: Moment, times: Int = 3, kind: LogError.Kind = .busy) {
        self.moment = moment
        self.kind = kind
        left = Mutex(times)
    }

    func strike(at moment: Moment) throws(LogError) {
        guard moment == self.moment else { return }
        let strikes = left.withLock { left in
            left -= 1
            return left >= 0
        }
        if strikes { throw LogError(kind, doing: "\(moment)", cause: "refused") }
    }
}

/// The process is frozen at the n-th time of a moment, and at later ones, until it is woken.
final class Freeze: Fault {
    private let moment: Moment
    private let left: Mutex<Int>
    let began = Gate()
    let end = Gate()

    init(_ moment: Moment, atNumber number: Int = 1) {
        self.moment = moment
        left = Mutex(number)
    }

    func strike(at moment: Moment) async {
        guard moment == self.moment else { return }
        let isFrozen = left.withLock { left in
            left -= 1
            return left <= 0
        }
        guard isFrozen else { return }
        began.open()
        await end.opened()
    }
}

/// From the first commit on the log cannot be read; the commit itself finds it damaged, once a read was refused.
final class Breakdown: Fault {
    private let isBroken = Mutex(false)
    private let refusedRead = Gate()

    func strike(at moment: Moment) async throws(LogError) {
        switch moment {
        case Moment(call: .commit, side: .before):
            isBroken.withLock { $0 = true }
            await refusedRead.opened()
            throw LogError(.corrupt, doing: "\(moment)", cause: "damaged")
        case Moment(call: .next, side: .before) where isBroken.withLock({ $0 }):
            refusedRead.open()
            throw LogError(.busy, doing: "\(moment)", cause: "refused")
        default: break
        }
    }
}

/// Nothing goes wrong; whoever waits is told that a moment has come.
struct Passing: Fault {
    private let moment: Moment
    let gate = Gate()

    init(_ moment: Moment) { self.moment = moment }

    func strike(at moment: Moment) { if moment == self.moment { gate.open() } }
}

/// Both may go wrong.
struct Both: Fault {
    let first: any Fault
    let second: any Fault

    func strike(at moment: Moment) async throws(LogError) {
        try await first.strike(at: moment)
        try await second.strike(at: moment)
    }
}

struct NoFault: Fault {
    func strike(at moment: Moment) {}
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

/// A real log, as a process sees it to which something happens.
struct FaultyLog: ForwardingLog {
    let real: any EventLog
    let fault: any Fault
    /// In place of the real log's.
    var givenEpoch: String?
    let onCommit: @Sendable (CommitBatch) -> Void

    var epoch: String { givenEpoch ?? real.epoch }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        try await fault.strike(at: Moment(call: .join, side: .before))
        let consumer = try await real.join(group: group, instance: instance, topics: topics)
        try await fault.strike(at: Moment(call: .join, side: .after))
        return FaultyConsumer(real: consumer, fault: fault, onCommit: onCommit)
    }
}

struct FaultyConsumer: ForwardingConsumer {
    let real: any GroupConsumer
    let fault: any Fault
    let onCommit: @Sendable (CommitBatch) -> Void

    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        try await fault.strike(at: Moment(call: .next, side: .before))
        guard fault is Death else { return try await real.next(waitingAtMost: duration) }
        // The dead are to be found soon. Only they lose an event: a log that refuses has not given it.
        let event = try await real.next(waitingAtMost: min(duration, .milliseconds(20)))
        try await fault.strike(at: Moment(call: .next, side: .after))
        return event
    }

    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] {
        try await fault.strike(at: Moment(call: .commit, side: .before))
        let positions = try await real.commit(batch)
        onCommit(batch)
        try await fault.strike(at: Moment(call: .commit, side: .after))
        return positions
    }

    func release(_ partitions: Set<TopicPartition>) async throws(LogError) {
        try await fault.strike(at: Moment(call: .release, side: .before))
        try await real.release(partitions)
        try await fault.strike(at: Moment(call: .release, side: .after))
    }

    func leave() async {
        do {
            try await fault.strike(at: Moment(call: .leave, side: .before))
            await real.leave()
        } catch {
            // The dead do not leave.
        }
    }
}

/// A real store, as a process sees it to which something happens.
struct FaultyStore: ObjectStore {
    let real: any ObjectStore
    let fault: any Fault

    var bucket: String { real.bucket }

    func put(_ bytes: [UInt8], at key: String) async throws(StoreError) {
        try await strike(.before, key)
        try await real.put(bytes, at: key)
        try await strike(.after, key)
    }

    private func strike(_ side: Moment.Side, _ key: String) async throws(StoreError) {
        do throws(LogError) {
            try await fault.strike(at: Moment(call: .put, side: side))
        } catch {
            throw StoreError(.unavailable, doing: "put \(key)", cause: error.cause)
        }
    }

    func size(of key: String) async throws(StoreError) -> Int64? { try await real.size(of: key) }
    func read(_ key: String) async throws(StoreError) -> [UInt8] { try await real.read(key) }
    func list(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StoredObject] {
        try await real.list(prefix: prefix, after: after, limit: limit)
    }
    func remove(_ key: String) async throws(StoreError) { try await real.remove(key) }
    func location(of key: String) -> String { real.location(of: key) }
}
