import CRdKafka
import EventLog
import KafkaTesting
import Testing

@testable import KafkaLog

/// What becomes of appends and commits when the cluster refuses a step of their transactions.
@Suite(.timeLimit(.minutes(1)))
struct InjectedErrorTests {
    /// An error at a step, and what is to come of it.
    struct Case: Sendable, CustomTestStringConvertible {
        enum Outcome: Sendable {
            /// It was tried again.
            case success
            /// It failed with this kind, nothing was kept of it, and the next succeeds.
            case failure(LogError.Kind)
            /// It failed in a way that the producer does not survive; the next commit has a new one.
            case renewal
            /// The member is none any more.
            case end
        }

        let request: MockCluster.Request
        let error: rd_kafka_resp_err_t
        let outcome: Outcome

        init(_ request: MockCluster.Request, _ error: rd_kafka_resp_err_t, _ outcome: Outcome) {
            self.request = request
            self.error = error
            self.outcome = outcome
        }

        var testDescription: String { "\(request) \(String(cString: rd_kafka_err2name(error)))" }
    }

    static let ofEvery: [Case] = [
        Case(.produce, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, .success),
        Case(.produce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, .success),
        Case(.produce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, .failure(.messageTooLarge)),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, .success),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, .success),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .failure(.other)),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, .success),
        Case(.endTransaction, RD_KAFKA_RESP_ERR__TRANSPORT, .success),
    ]

    static let ofCommits: [Case] = [
        Case(.addOffsets, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, .success),
        Case(.addOffsets, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, .failure(.other)),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, .success),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, .success),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, .failure(.fenced)),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, .failure(.fenced)),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, .renewal),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, .end),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, .end),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, .end),
    ]

    private func message(_ value: UInt8) -> OutgoingMessage {
        OutgoingMessage(topic: "others", key: nil, value: [value])
    }

    private func withLog(brokers: Int32 = 1, _ body: (MockCluster, KafkaEventLog) async throws -> Void) async throws {
        let cluster = try #require(MockCluster(brokers: brokers))
        cluster.makeTopic("numbers", partitions: 1)
        cluster.makeTopic("others", partitions: 1)
        var settings = KafkaLogSettings(brokers: cluster.brokers)
        settings.properties["heartbeat.interval.ms"] = "100"
        let log = try await KafkaEventLog.open(settings)
        try await body(cluster, log)
        await log.close()
    }

    @Test(arguments: ofEvery)
    func `an append whose transaction is refused at a step fails or succeeds as a whole`(_ case: Case) async throws {
        try await withLog { cluster, log in
            _ = try await log.append([message(1)])
            cluster.refuse(`case`.request, with: [`case`.error])
            switch `case`.outcome {
            case .success: _ = try await log.append([message(2), message(3)])
            case .failure(let kind):
                let error = await #expect(throws: LogError.self) { try await log.append([message(2), message(3)]) }
                #expect(error?.kind == kind)
            case .renewal, .end: Issue.record("an append has no member to end")
            }
            #expect(try await log.append([message(4)]).count == 1)
        }
    }

    @Test(arguments: ofEvery + ofCommits)
    func `a commit whose transaction is refused at a step fails or succeeds as a whole`(_ case: Case) async throws {
        try await withLog { cluster, log in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            guard case .assigned? = try await consumer.next(waitingAtMost: .seconds(30)) else {
                Issue.record("nothing was assigned")
                return
            }
            let source = TopicPartition(topic: "numbers", partition: 0)
            func batch(_ start: Offset, _ end: Offset) -> CommitBatch {
                CommitBatch(
                    advances: [.init(partition: source, start: start, end: end)], appends: [message(UInt8(end))])
            }
            _ = try await consumer.commit(batch(0, 1))
            cluster.refuse(`case`.request, with: [`case`.error])
            switch `case`.outcome {
            case .success:
                _ = try await consumer.commit(batch(1, 2))
                _ = try await consumer.commit(batch(2, 3))
            case .failure(let kind):
                let error = await #expect(throws: LogError.self) { try await consumer.commit(batch(1, 2)) }
                #expect(error?.kind == kind)
                _ = try await consumer.commit(batch(1, 3))
            case .renewal:
                await #expect(throws: LogError.self) { try await consumer.commit(batch(1, 2)) }
                _ = try await consumer.commit(batch(1, 3))
            case .end:
                let error = await #expect(throws: LogError.self) { try await consumer.commit(batch(1, 2)) }
                #expect(error?.kind == .fenced)
                guard case .lost? = try await consumer.next(waitingAtMost: .seconds(30)) else {
                    Issue.record("the member was not told that it lost its partition")
                    return
                }
                let end = await #expect(throws: LogError.self) { try await consumer.next(waitingAtMost: .zero) }
                #expect(end?.kind == .fenced)
            }
        }
    }

    @Test func `a member waits for a coordinator that is loading`() async throws {
        try await withLog { cluster, log in
            cluster.refuse(
                .initProducerID,
                with: [
                    RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
                ])
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            guard case .assigned? = try await consumer.next(waitingAtMost: .seconds(30)) else {
                Issue.record("nothing was assigned")
                return
            }
        }
    }

    @Test(arguments: [
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
    ])
    func `a group's positions are asked for again where its coordinator does not tell them`(
        _ error: rd_kafka_resp_err_t
    ) async throws {
        try await withLog { cluster, log in
            cluster.refuse(.fetchOffsets, with: [error, error])
            let positions = try await log.committed(group: "readers", topics: ["numbers"])
            #expect(positions.isEmpty)
        }
    }

    @Test func `a group's positions are asked of another coordinator once it has moved`() async throws {
        try await withLog(brokers: 2) { cluster, log in
            for broker in [1, 2, 1] as [Int32] {
                cluster.coordinate(group: "readers", by: broker)
                let positions = try await log.committed(group: "readers", topics: ["numbers"])
                #expect(positions.isEmpty)
            }
        }
    }

    @Test func `a member that leaves before it was assigned anything does no harm`() async throws {
        try await withLog { _, log in
            for _ in 0..<3 {
                let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
                await consumer.leave()
            }
            #expect(try await log.append([message(1)]).count == 1)
        }
    }
}
