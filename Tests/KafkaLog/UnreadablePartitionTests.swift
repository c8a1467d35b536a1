import CRdKafka
import EventLog
import KafkaTesting
import Testing

@testable import KafkaLog

/// What becomes of a member where one of its partitions cannot be read.
@Suite(.timeLimit(.minutes(2)))
struct UnreadablePartitionTests {
    private let cluster: MockCluster
    private let log: KafkaEventLog
    private let partitions = (0..<Int32(4)).map { TopicPartition(topic: "quarters", partition: $0) }
    private var unreadable: TopicPartition { partitions[1] }

    init() async throws {
        cluster = try #require(MockCluster())
        cluster.makeTopic("quarters", partitions: 4)
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        settings.properties["heartbeat.interval.ms"] = "100"
        log = try await KafkaEventLog.open(settings)
    }

    /// What a member has, as it hears of it.
    private actor Holding {
        private(set) var partitions: Set<TopicPartition> = []
        private(set) var faults: [LogError] = []

        /// Takes events, and gives back what it is to, until it has what is wanted.
        func take(
            from consumer: any GroupConsumer, until isEnough: (Set<TopicPartition>, [LogError]) -> Bool
        ) async throws {
            while !isEnough(partitions, faults) {
                try Task.checkCancellation()
                do throws(LogError) {
                    switch try await consumer.next(waitingAtMost: .milliseconds(200)) {
                    case .assigned(let positions)?: partitions.formUnion(positions.keys)
                    case .lost(let lost)?: partitions.subtract(lost)
                    case .revoking(let revoked)?:
                        partitions.subtract(revoked)
                        try await consumer.release(revoked)
                    default: break
                    }
                } catch {
                    faults.append(error)
                }
            }
        }
    }

    @Test func `the others are read, its fault is told, and it comes as soon as it can be read`() async throws {
        cluster.lead(unreadable, by: nil)
        let consumer = try await log.join(group: "readers", instance: "a", topics: ["quarters"])
        let holding = Holding()
        let others = Set(partitions).subtracting([unreadable])
        try await holding.take(from: consumer) { partitions, _ in partitions == others }
        try await holding.take(from: consumer) { _, faults in !faults.isEmpty }
        let fault = try #require(await holding.faults.first)
        #expect(fault.kind == .busy && fault.cause.contains("\(unreadable)"))
        cluster.lead(unreadable, by: 1)
        try await holding.take(from: consumer) { partitions, _ in partitions == Set(self.partitions) }
        await log.close()
    }

    @Test func `the group goes on dividing its partitions, the unreadable one among them`() async throws {
        cluster.lead(unreadable, by: nil)
        let one = try await log.join(group: "readers", instance: "a", topics: ["quarters"])
        let first = Holding()
        try await first.take(from: one) { partitions, _ in partitions.count == 3 }
        let other = try await log.join(group: "readers", instance: "b", topics: ["quarters"])
        let second = Holding()
        // Two for each, of which at most one is unreadable.
        try await withThrowingTaskGroup { group in
            group.addTask { try await second.take(from: other) { partitions, _ in !partitions.isEmpty } }
            group.addTask { try await first.take(from: one) { partitions, _ in partitions.count < 3 } }
            try await group.waitForAll()
        }
        cluster.lead(unreadable, by: 1)
        try await withThrowingTaskGroup { group in
            for (holding, consumer) in [(first, one), (second, other)] {
                group.addTask { try await holding.take(from: consumer) { partitions, _ in partitions.count == 2 } }
            }
            try await group.waitForAll()
        }
        #expect(await first.partitions.union(second.partitions) == Set(partitions))
        await log.close()
    }

    @Test func `a broker that does not answer is waited for no longer than was said`() throws {
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        // Longer than this test may take.
        settings.properties["socket.timeout.ms"] = "300000"
        let client = try Client(RD_KAFKA_CONSUMER, .observer(settings), report: nil)
        _ = try client.watermarks(of: partitions[0], timeout: 30_000)
        cluster.delay(by: 200_000)
        let fault = #expect(throws: KafkaFault.self) { try client.watermarks(of: partitions[0], timeout: 500) }
        #expect(fault?.kind == .busy)
    }
}
