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

    /// A topic that is read ahead in 128 pieces, one fetch each. librdkafka by itself would sleep a second after each, and
    /// the suite's time be over.
    private func withBacklog(_ body: (KafkaEventLog, TopicPartition, Int) async throws -> Void) async throws {
        let cluster = try #require(MockCluster())
        cluster.makeTopic("numbers", partitions: 1)
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        settings.readAheadBytes = 16 << 10
        settings.fetchBytes = 8 << 10
        let log = try await KafkaEventLog.open(settings)
        let message = OutgoingMessage(topic: "numbers", key: nil, value: [UInt8](repeating: 0, count: 1000))
        let (pieces, messages) = (128, 32)
        for _ in 0..<pieces { _ = try await log.append([OutgoingMessage](repeating: message, count: messages)) }
        let appended = pieces * messages
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

    @Test func `a reader without a group is given every message once, however little is read ahead`() async throws {
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

    /// Appends without pause while members come and go, and tells where the partition then ends.
    private static func append(to log: KafkaEventLog, while passing: Int) async throws -> Offset {
        let messages = (0..<10_000).map { _ in OutgoingMessage(topic: "numbers", key: nil, value: [1]) }
        let isOver = StopFlag()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { isOver.set() }
                for number in 0..<passing {
                    let other = try await log.join(group: "readers", instance: "b\(number)", topics: ["numbers"])
                    _ = try await other.next(waitingAtMost: .milliseconds(100))
                    await other.leave()
                }
            }
            var count: Offset = 0
            while !isOver.isSet { count += Offset(try await log.append(messages).count) }
            try await group.waitForAll()
            return count
        }
    }

    @Test func `a member that drains a partition misses nothing while others come and go`() async throws {
        let cluster = try #require(MockCluster())
        cluster.makeTopic("numbers", partitions: 1)
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        settings.properties["heartbeat.interval.ms"] = "50"
        let log = try await KafkaEventLog.open(settings)
        let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
        guard case .assigned? = try await consumer.next(waitingAtMost: .seconds(30)) else {
            Issue.record("nothing was assigned")
            return
        }
        // The partition stays this member's, and is paused whenever another comes or goes.
        async let end = Self.append(to: log, while: 15)
        var next: Offset = 0
        var isOver = false
        while !isOver {
            guard case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(2)) else {
                isOver = try await end == next
                continue
            }
            for record in batch.records {
                try #require(record.offset == next)
                next += 1
            }
        }
        await log.close()
    }
}
