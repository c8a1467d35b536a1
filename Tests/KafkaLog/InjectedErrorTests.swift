import CRdKafka
import EventLog
import KafkaTesting
import Testing

@testable import KafkaLog

/// What becomes of appends and commits when the cluster refuses a step of their transactions.
@Suite(.timeLimit(.minutes(3)))
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
        /// What the abort that follows is refused with.
        let ofAbort: rd_kafka_resp_err_t?

        init(
            _ request: MockCluster.Request, _ error: rd_kafka_resp_err_t,
            thenAtAbort ofAbort: rd_kafka_resp_err_t? = nil,
            _ outcome: Outcome
        ) {
            self.request = request
            self.error = error
            self.ofAbort = ofAbort
            self.outcome = outcome
        }

        var testDescription: String {
            ([error] + (ofAbort.map { [$0] } ?? [])).reduce("\(request)") {
                "\($0) \(String(cString: rd_kafka_err2name($1)))"
            }
        }

        func inject(into cluster: MockCluster) {
            cluster.refuse(request, with: [error])
            if let ofAbort { cluster.refuse(.endTransaction, with: [ofAbort]) }
        }
    }

    static let ofEvery: [Case] = [
        Case(.produce, RD_KAFKA_RESP_ERR__TRANSPORT, .success),
        Case(.produce, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, .success),
        Case(.produce, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, .success),
        Case(.produce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, .success),
        Case(.produce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, .success),
        Case(.produce, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, .success),
        Case(.produce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, .failure(.messageTooLarge)),
        Case(.produce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .failure(.other)),
        Case(.addPartitions, RD_KAFKA_RESP_ERR__TRANSPORT, .success),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, .success),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, .success),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, .success),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, .success),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, .success),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .failure(.other)),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, .failure(.other)),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, .renewal),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, .renewal),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, .end),
        Case(.addPartitions, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, .end),
        Case(.endTransaction, RD_KAFKA_RESP_ERR__TRANSPORT, .success),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, .success),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, .success),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, .success),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, .success),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, .failure(.other)),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, .renewal),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, .renewal),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, .end),
        Case(.endTransaction, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, .end),
    ]

    static let ofCommits: [Case] = [
        Case(.addOffsets, RD_KAFKA_RESP_ERR__TRANSPORT, .success),
        Case(.addOffsets, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, .success),
        Case(.addOffsets, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, .success),
        Case(.addOffsets, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, .success),
        Case(.addOffsets, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, .success),
        Case(.addOffsets, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, .failure(.other)),
        Case(.addOffsets, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, .renewal),
        Case(.addOffsets, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, .end),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR__TRANSPORT, .success),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, .success),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, .success),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, .success),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, .success),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, .success),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, .failure(.other)),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, .failure(.fenced)),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, .failure(.fenced)),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, .renewal),
        Case(.commitOffsets, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, .end),
    ]

    static let ofAborts: [Case] =
        [
            RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
        ].map { Case(.commitOffsets, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, thenAtAbort: $0, .failure(.fenced)) } + [
            Case(
                .commitOffsets, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, thenAtAbort: RD_KAFKA_RESP_ERR_INVALID_TXN_STATE,
                .renewal),
            Case(
                .commitOffsets, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, thenAtAbort: RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
                .end),
        ]

    private func message(_ value: UInt8) -> OutgoingMessage {
        OutgoingMessage(topic: "others", key: nil, value: [value])
    }

    @Test(arguments: ofEvery)
    func `an append whose transaction is refused at a step fails or succeeds as a whole`(_ case: Case) async throws {
        try await withLog { cluster, log in
            _ = try await log.append([message(1)])
            `case`.inject(into: cluster)
            switch `case`.outcome {
            case .success: _ = try await log.append([message(2), message(3)])
            case .failure(let kind):
                let error = await #expect(throws: LogError.self) { try await log.append([message(2), message(3)]) }
                #expect(error?.kind == kind)
            case .renewal, .end:
                await #expect(throws: LogError.self) { try await log.append([message(2), message(3)]) }
            }
            #expect(try await log.append([message(4)]).count == 1)
        }
    }

    @Test(arguments: ofEvery + ofCommits + ofAborts)
    func `a commit whose transaction is refused at a step fails or succeeds as a whole`(_ case: Case) async throws {
        try await withLog { cluster, log in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            try await consumer.untilAssigned()
            let source = TopicPartition(topic: "numbers", partition: 0)
            func batch(_ start: Offset, _ end: Offset) -> CommitBatch {
                CommitBatch(
                    advances: [.init(partition: source, start: start, end: end)], appends: [message(UInt8(end))])
            }
            _ = try await consumer.commit(batch(0, 1))
            `case`.inject(into: cluster)
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

    @Test func `a commit whose answers come later than one call waits is made once`() async throws {
        try await withLog { cluster, log in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            try await consumer.untilAssigned()
            let source = TopicPartition(topic: "numbers", partition: 0)
            cluster.delay(by: 1500)
            let stored = try await consumer.commit(
                CommitBatch(advances: [.init(partition: source, start: 0, end: 1)], appends: [message(1)]))
            cluster.delay(by: 0)
            #expect(stored.map(\.offset) == [0])
            #expect(try await log.append([message(2)]).map(\.offset) == [1])
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
