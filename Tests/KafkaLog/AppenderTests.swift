import CRdKafka
import EventLog
import KafkaTesting
import Testing

@testable import KafkaLog

/// Appends that are asked for at the same time.
@Suite(.timeLimit(.minutes(3)))
struct AppenderTests {
    private static func outcome(of topic: String, in log: KafkaEventLog) async -> LogError.Kind? {
        do throws(LogError) {
            _ = try await log.append([OutgoingMessage(topic: topic, key: nil, value: [1])])
            return nil
        } catch {
            return error.kind
        }
    }

    @Test func `each of many appends is answered once, whatever is wrong with the others`() async throws {
        let cluster = try #require(MockCluster())
        cluster.makeTopic("numbers", partitions: 1)
        let log = try await KafkaEventLog.open(KafkaLogSettings(brokers: cluster.brokers))
        let outcomes = await withTaskGroup(of: (String, LogError.Kind?).self) { group in
            for number in 0..<60 {
                let topic = ["numbers", "unknown", "new"][number % 3]
                // It comes to be there while the appends wait.
                if number == 30 { cluster.makeTopic("new", partitions: 1) }
                group.addTask { (topic, await Self.outcome(of: topic, in: log)) }
            }
            return await group.reduce(into: [String: [LogError.Kind?]]()) { $0[$1.0, default: []].append($1.1) }
        }
        #expect(outcomes["numbers"] == Array(repeating: nil, count: 20))
        #expect(outcomes["unknown"] == Array(repeating: .unknownTopic, count: 20))
        #expect(outcomes["new"]?.count == 20)
        let batch = try await log.read(
            TopicPartition(topic: "new", partition: 0), from: 0, to: .max, maximumBytes: 1 << 20)
        #expect(batch.records.count == outcomes["new"]?.count { $0 == nil })
        await log.close()
    }

    @Test func `an append that fails says why, though its transaction cannot be ended either, and the next succeeds`()
        async throws
    {
        try await withLog { cluster, log in
            cluster.refuse(.produce, with: [RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
            cluster.refuse(.endTransaction, with: [RD_KAFKA_RESP_ERR_INVALID_TXN_STATE])
            #expect(await Self.outcome(of: "numbers", in: log) == .messageTooLarge)
            #expect(await Self.outcome(of: "numbers", in: log) == nil)
        }
    }

    @Test func `closing the log ends appends that wait for a cluster which is away`() async throws {
        var cluster = MockCluster()
        let log = try await KafkaEventLog.open(KafkaLogSettings(brokers: try #require(cluster).brokers))
        cluster = nil
        async let outcome = Self.outcome(of: "numbers", in: log)
        await log.close()
        #expect(await outcome != nil)
    }
}
