import EventLog
import KafkaTesting
import Testing

@testable import KafkaLog

/// How much a member is given at once.
@Suite(.timeLimit(.minutes(1)))
struct FetchingTests {
    @Test func `a member is given a bounded number of messages at once, however short they are`() async throws {
        let cluster = try #require(MockCluster())
        cluster.makeTopic("numbers", partitions: 1)
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        settings.fetchBytes = 64_000
        let log = try await KafkaEventLog.open(settings)
        let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
        _ = try await log.append((0..<5000).map { _ in OutgoingMessage(topic: "numbers", key: nil, value: nil) })
        var counts: [Int] = []
        while counts.reduce(0, +) < 5000 {
            try Task.checkCancellation()
            guard case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(30)) else { continue }
            counts.append(batch.records.count)
        }
        #expect(counts.allSatisfy { $0 <= RecordBatch.maximumRecords(ofBytes: 64_000) })
        await log.close()
    }

    /// A cluster with a topic of about 13 MB, and a log that reads little of it ahead: librdkafka would sleep a second
    /// for each piece, and the suite's time would be over.
    private func withBacklog(_ body: (KafkaEventLog, TopicPartition, Int) async throws -> Void) async throws {
        let cluster = try #require(MockCluster())
        cluster.makeTopic("numbers", partitions: 1)
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        settings.readAheadBytes = 64 << 10
        settings.fetchBytes = 32 << 10
        let log = try await KafkaEventLog.open(settings)
        let value = [UInt8](repeating: 0, count: 1000)
        let appended = 13_000
        for _ in 0..<13 {
            _ = try await log.append(
                (0..<appended / 13).map { number in
                    // Not to be compressed to nothing.
                    let noise = value.map { _ in UInt8.random(in: .min ... .max) }
                    return OutgoingMessage(topic: "numbers", key: Array("\(number)".utf8), value: noise)
                })
        }
        try await body(log, TopicPartition(topic: "numbers", partition: 0), appended)
        await log.close()
    }

    @Test func `a member whose read-ahead was full reads on as soon as there is room`() async throws {
        try await withBacklog { log, _, appended in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            var count = 0
            while count < appended {
                try Task.checkCancellation()
                guard case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(30)) else { continue }
                count += batch.records.count
            }
            #expect(count == appended)
        }
    }

    @Test func `a reader without a group whose read-ahead was full reads on as soon as there is room`() async throws {
        try await withBacklog { log, partition, appended in
            var next: Offset = 0
            var count = 0
            while count < appended {
                try Task.checkCancellation()
                let batch = try await log.read(partition, from: next, to: .max, maximumBytes: 32 << 10)
                count += batch.records.count
                next = batch.nextOffset
            }
            #expect(count == appended)
        }
    }
}
