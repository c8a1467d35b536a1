import EventLog
import Foundation
import MarketData
import Runtime
import Synchronization

/// An implementation that the contract is tested on.
struct EventLogKind: Sendable, CustomStringConvertible {
    /// What not every implementation, or not every server that it is tested with, can do.
    enum Ability: CaseIterable {
        /// Topics can be made and configured.
        case declaring
        /// A group's committed positions can be read.
        case positions
        /// Retention is applied when asked, with regard to groups.
        case retention
        /// Messages can be removed.
        case removal
        /// Messages can be removed that a group has yet to pass.
        case loss
        /// While partitions are given back, the others are read on.
        case readingWhileGivingBack
        /// What a member that leaves had goes to the others at once.
        case leavingAtOnce
        /// Partitions are divided anew whenever a member comes, be it an instance that was there before.
        case rebalancingAlways
        /// An instance that starts anew has its partitions at once.
        case takingOverAtOnce
    }

    let description: String
    let abilities: Set<Ability>
    /// Makes a new log, without topics.
    let make: @Sendable () throws -> any EventLogUnderTest

    static let all =
        [
            EventLogKind(description: "SQLite", abilities: Set(Ability.allCases).subtracting([.loss])) {
                try SQLiteLogUnderTest()
            }
        ]
        + [mockCluster] + broker

    static func able(to ability: Ability...) -> [EventLogKind] { all.filter { $0.abilities.isSuperset(of: ability) } }
}

/// A log made for one test.
protocol EventLogUnderTest: Sendable {
    /// Opens the log once more, as another process would.
    func open() async throws -> any EventLog
    /// Removes all messages of the topic.
    func removeMessages(of topic: String, in log: any EventLog) async throws
    func remove() async
}

struct SQLiteLogUnderTest: EventLogUnderTest {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "pregao-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func open() async throws -> any EventLog {
        var settings = SQLiteLogSettings()
        settings.heartbeat = .milliseconds(200)
        return try await SQLiteEventLog.open(
            at: folder.appending(path: "log.sqlite").path, settings: settings, clock: SystemWallClock())
    }

    func removeMessages(of topic: String, in log: any EventLog) async throws {
        try await log.applyRetention(now: SystemWallClock().now().adding(microseconds: 7_200_000_000))
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}

/// Runs `body` on a new log with the topics declared.
func withLog(
    _ kind: EventLogKind, topics: [String: Int32] = ["numbers": 1], retention: Retention.Cleanup = .keepAll,
    _ body: (any EventLogUnderTest, any EventLog) async throws -> Void
) async throws {
    let underTest = try kind.make()
    do {
        let log = try await underTest.open()
        for (name, partitions) in topics {
            try await log.declare(
                TopicDeclaration(name: name, partitions: partitions, retention: Retention(retention)))
        }
        try await body(underTest, log)
        await log.close()
    } catch {
        await underTest.remove()
        throw error
    }
    await underTest.remove()
}

extension Retention.Cleanup {
    static let keepAll = Retention.Cleanup.delete(age: nil, bytes: nil)
}

/// A message with a number as its value.
func message(_ number: Int, to topic: String = "numbers", key: String? = nil) -> OutgoingMessage {
    OutgoingMessage(topic: topic, key: key.map { Array($0.utf8) }, value: Array(String(number).utf8))
}

func partition(_ number: Int32, of topic: String = "numbers") -> TopicPartition {
    TopicPartition(topic: topic, partition: number)
}

extension RecordBatch {
    /// The values as numbers.
    var numbers: [Int] {
        records.compactMap { record in value(of: record).flatMap { Int(String(decoding: $0, as: UTF8.self)) } }
    }
}

extension CommitBatch {
    init(_ partition: TopicPartition, from start: Offset, to end: Offset, appends: [OutgoingMessage] = []) {
        self.init(advances: [Advance(partition: partition, start: start, end: end)], appends: appends)
    }
}

/// A member whose events a test takes one after the other. Nothing that a test waits for takes long; its time limit
/// ends a wait for what never comes.
struct Follower {
    let consumer: any GroupConsumer
    private(set) var assigned: [TopicPartition: Offset] = [:]
    private(set) var batches: [RecordBatch] = []

    init(_ consumer: any GroupConsumer) { self.consumer = consumer }

    var numbers: [Int] { batches.flatMap(\.numbers) }

    /// The next event, whatever it is.
    mutating func next() async throws -> ConsumerEvent {
        while true {
            try Task.checkCancellation()
            guard let event = try await consumer.next(waitingAtMost: .seconds(30)) else { continue }
            note(event)
            return event
        }
    }

    /// The next event, or nil where nothing is waiting.
    mutating func poll() async throws -> ConsumerEvent? {
        while let event = try await consumer.next(waitingAtMost: .zero) {
            note(event)
            // The position may move without a message, over the markers of transactions.
            if case .records(let batch) = event, batch.records.isEmpty { continue }
            return event
        }
        return nil
    }

    /// The next records, left unnoted.
    func nextMessages() async throws -> RecordBatch {
        while true {
            try Task.checkCancellation()
            let event = try await consumer.next(waitingAtMost: .seconds(30))
            if case .records(let batch)? = event, !batch.records.isEmpty { return batch }
        }
    }

    private mutating func note(_ event: ConsumerEvent) {
        switch event {
        case .assigned(let positions): assigned.merge(positions) { $1 }
        case .revoking: break
        case .lost(let partitions): for partition in partitions { assigned[partition] = nil }
        case .trimmed: break
        case .records(let batch): batches.append(batch)
        }
    }

    mutating func untilAssigned(_ count: Int) async throws {
        while assigned.count < count { _ = try await next() }
    }

    mutating func untilNumbers(_ count: Int) async throws {
        while numbers.count < count { _ = try await next() }
    }

    mutating func untilRevoking() async throws -> Set<TopicPartition> {
        while true {
            if case .revoking(let partitions) = try await next() { return partitions }
        }
    }

    mutating func untilLost() async throws -> Set<TopicPartition> {
        while true {
            if case .lost(let partitions) = try await next() { return partitions }
        }
    }

    mutating func release(_ partitions: Set<TopicPartition>) async throws {
        try await consumer.release(partitions)
        for partition in partitions { assigned[partition] = nil }
    }
}
