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
}
