import EventLog
import KafkaTesting
import Testing

@testable import KafkaLog

/// How much a member is given at once.
@Suite(.timeLimit(.minutes(3)))
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

    /// Members come to the group and go again, one after the other.
    private static func pass(through log: KafkaEventLog, times: Int, over isOver: StopFlag) async throws {
        defer { isOver.set() }
        for number in 0..<times {
            let other = try await log.join(group: "readers", instance: "b\(number)", topics: ["numbers"])
            _ = try await other.next(waitingAtMost: .milliseconds(100))
            await other.leave()
        }
    }

    @Test func `a member that drains a partition misses nothing while others come and go`() async throws {
        let cluster = try #require(MockCluster())
        cluster.makeTopic("numbers", partitions: 1)
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        settings.properties["heartbeat.interval.ms"] = "50"
        let log = try await KafkaEventLog.open(settings)
        let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
        try await consumer.untilAssigned()
        let isOver = StopFlag()
        // The partition stays this member's, and is paused whenever another comes or goes.
        async let passing: Void = Self.pass(through: log, times: 4, over: isOver)
        let messages = (0..<20_000).map { _ in OutgoingMessage(topic: "numbers", key: nil, value: [1]) }
        var (next, end): (Offset, Offset) = (0, 0)
        while !isOver.isSet || next < end {
            // Much waits always, and never so much that the cluster lets go of it.
            if !isOver.isSet, end - next < 20_000 { end += Offset(try await log.append(messages).count) }
            guard case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(30)) else { continue }
            for record in batch.records {
                try #require(record.offset == next)
                next += 1
            }
        }
        try await passing
        await log.close()
    }
}
