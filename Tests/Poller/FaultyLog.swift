import EventLog
import EventLogTesting
import MarketData
import Synchronization

@testable import Poller

/// A real log that refuses, or dies right after it has done, what a test names.
final class FaultyLog: ForwardingLog {
    enum Step: Hashable, Sendable { case append, commit }
    /// When the log fails: before it has done anything, or once it has, so that the caller does not know.
    enum Moment: Hashable, Sendable, CaseIterable { case before, after }

    struct Failure: Sendable {
        let step: Step
        /// From 1, among the log's calls of this step.
        let call: Int
        let moment: Moment
    }

    let real: any EventLog
    private let failures: Mutex<[Failure]>
    private let calls = Mutex<[Step: Int]>([:])
    private let refuses = Mutex(false)
    private let refusesRows = Mutex(false)
    private let beforeFirstAppend: @Sendable () async -> Void

    init(
        _ log: any EventLog, _ failures: [Failure] = [],
        beforeFirstAppend: @escaping @Sendable () async -> Void = {}
    ) {
        real = log
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

    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        let moment = count(.append)
        if calls(of: .append) == 1 { await beforeFirstAppend() }
        if refusesAppends || moment == .before { throw Self.error }
        if refusesRowsAlone, messages.contains(where: { $0.topic != SlotsMessage.topic.name }) { throw Self.error }
        let positions = try await real.append(messages)
        if moment == .after { throw Self.error }
        return positions
    }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        FaultyConsumer(try await real.join(group: group, instance: instance, topics: topics), of: self)
    }

    fileprivate func count(_ step: Step) -> Moment? {
        let call = calls.withLock { calls in
            calls[step, default: 0] += 1
            return calls[step, default: 0]
        }
        return failures.withLock { $0.first { $0.step == step && $0.call == call }?.moment }
    }

    fileprivate static let error = LogError(.cannotWrite, doing: "test", cause: "a fault on purpose")
}

private final class FaultyConsumer: ForwardingConsumer {
    let real: any GroupConsumer
    private let log: FaultyLog

    init(_ consumer: any GroupConsumer, of log: FaultyLog) {
        real = consumer
        self.log = log
    }

    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] {
        let moment = log.count(.commit)
        if moment == .before { throw FaultyLog.error }
        let positions = try await real.commit(batch)
        if moment == .after { throw FaultyLog.error }
        return positions
    }
}
