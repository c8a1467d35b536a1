import EventLog
import Foundation
import KafkaTesting
import Testing

@testable import KafkaLog

private let sharedBroker = ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA"]

/// Topics that somebody else deletes and grows, on the broker of PREGAO_TEST_KAFKA.
@Suite(.timeLimit(.minutes(2)), .enabled(if: sharedBroker != nil))
struct TopicChangeTests {
    private let topic = "changed-\(UUID().uuidString)"

    private func withLog(_ body: (KafkaEventLog, Administrator) async throws -> Void) async throws {
        let broker = try #require(sharedBroker)
        let administrator = try #require(Administrator(brokers: broker))
        var settings = KafkaLogSettings(brokers: broker)
        settings.properties = ["topic.metadata.refresh.interval.ms": "500", "heartbeat.interval.ms": "200"]
        let log = try await KafkaEventLog.open(settings)
        try await log.declare(
            TopicDeclaration(name: topic, partitions: 2, retention: Retention(.delete(age: nil, bytes: nil))))
        try await body(log, administrator)
        administrator.deleteTopics(startingWith: topic)
        await log.close()
    }

    private func message(_ number: UInt8) -> OutgoingMessage {
        OutgoingMessage(topic: topic, key: nil, value: [number])
    }

    @Test func `what is appended to partitions that a topic has grown is read`() async throws {
        try await withLog { log, administrator in
            let consumer = try await log.join(group: topic, instance: "a", topics: [topic])
            var assigned: Set<TopicPartition> = []
            var read = 0
            func take(until isEnough: () -> Bool) async throws {
                while !isEnough() {
                    try Task.checkCancellation()
                    switch try await consumer.next(waitingAtMost: .seconds(30)) {
                    case .assigned(let positions)?: assigned.formUnion(positions.keys)
                    case .revoking(let partitions)?: try await consumer.release(partitions)
                    case .records(let batch)?: read += batch.records.count
                    default: break
                    }
                }
            }
            try await take { assigned.count == 2 }
            try administrator.grow(topic, to: 4)
            try await take { assigned.count == 4 }
            _ = try await log.watermarks(of: topic)
            let stored = try await log.append((0..<40).map(message))
            #expect(stored.contains { $0.partition.partition > 1 })
            try await take { read == 40 }
        }
    }

    @Test func `an append to a topic that was deleted is refused by its name, and nothing makes it anew`() async throws
    {
        try await withLog { log, administrator in
            _ = try await log.append([message(1)])
            administrator.deleteTopics(startingWith: topic)
            let error = await #expect(throws: LogError.self) {
                while true {
                    try Task.checkCancellation()
                    _ = try await log.append([message(2)])
                }
            }
            #expect(error?.kind == .unknownTopic, "\(String(describing: error))")
            #expect(error?.description.contains(topic) == true)
            let names = try await log.topics().map(\.name)
            #expect(!names.contains(topic))
        }
    }
}
