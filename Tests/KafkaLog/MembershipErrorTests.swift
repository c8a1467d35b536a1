import CRdKafka
import EventLog
import KafkaTesting
import Testing

@testable import KafkaLog

/// What becomes of a member when the cluster refuses to let it join, stay or read.
@Suite(.timeLimit(.minutes(3)))
struct MembershipErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let request: MockCluster.Request
        let errors: [rd_kafka_resp_err_t]

        init(_ request: MockCluster.Request, _ errors: rd_kafka_resp_err_t...) {
            self.request = request
            self.errors = errors
        }

        var testDescription: String {
            "\(request) \(errors.map { String(cString: rd_kafka_err2name($0)) }.joined(separator: ", "))"
        }
    }

    private let source = TopicPartition(topic: "numbers", partition: 0)

    private func commit(_ start: Offset, _ end: Offset) -> CommitBatch {
        CommitBatch(
            advances: [.init(partition: source, start: start, end: end)],
            appends: [OutgoingMessage(topic: "others", key: nil, value: [1])])
    }

    static let passing = [
        Case(
            .initProducerID, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS),
        Case(.initProducerID, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR__TRANSPORT),
        Case(.findCoordinator, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE),
        Case(.join, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR),
        Case(.join, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR__TRANSPORT),
        Case(.sync, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR),
        Case(.sync, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION),
        Case(.fetchOffsets, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_NOT_COORDINATOR),
        Case(.listOffsets, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE),
    ]

    @Test(arguments: passing)
    func `a member joins in the end, and commits, whatever passing error it meets at a step`(_ case: Case)
        async throws
    {
        try await withLog { cluster, log in
            cluster.refuse(`case`.request, with: `case`.errors)
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            try await consumer.untilAssigned()
            _ = try await consumer.commit(commit(0, 1))
        }
    }

    @Test(arguments: [
        (Case(.initProducerID, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED), LogError.Kind.other),
        (Case(.initProducerID, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT), .other),
        (Case(.initProducerID, RD_KAFKA_RESP_ERR_PRODUCER_FENCED), .fenced),
    ])
    func `a producer that the cluster refuses ends the joining with its reason`(_ case: Case, _ kind: LogError.Kind)
        async throws
    {
        try await withLog { cluster, log in
            cluster.refuse(`case`.request, with: `case`.errors)
            let error = await #expect(throws: LogError.self) {
                _ = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            }
            #expect(error?.kind == kind)
        }
    }

    @Test(arguments: [
        (RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "ACLs"),
        (RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, "log.lease"),
    ])
    func `a member that the group refuses is told why, and what to look at`(
        _ error: rd_kafka_resp_err_t, _ advice: String
    ) async throws {
        try await withLog { cluster, log in
            cluster.refuse(.join, with: [error])
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            let refusal = await #expect(throws: LogError.self) {
                while true {
                    try Task.checkCancellation()
                    // It may have joined at the next try before this one looks: what happened is told first.
                    _ = try await consumer.next(waitingAtMost: .seconds(30))
                }
            }
            #expect(refusal?.kind == .other)
            #expect(refusal?.cause.contains(advice) == true)
        }
    }

    @Test(arguments: [RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION])
    func `a member that the group gave up is told that it lost its partitions, and joins again`(
        _ error: rd_kafka_resp_err_t
    ) async throws {
        try await withLog { cluster, log in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            try await consumer.untilAssigned()
            cluster.refuse(.heartbeat, with: [error])
            guard case .lost(let lost)? = try await consumer.next(waitingAtMost: .seconds(30)) else {
                Issue.record("the member was not told that it lost its partition")
                return
            }
            #expect(lost == [source])
            try await consumer.untilAssigned()
            _ = try await consumer.commit(commit(0, 1))
        }
    }

    @Test(arguments: [
        Case(.heartbeat, RD_KAFKA_RESP_ERR_NOT_COORDINATOR), Case(.heartbeat, RD_KAFKA_RESP_ERR__TRANSPORT),
        Case(.heartbeat, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS),
        Case(.fetch, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION), Case(.fetch, RD_KAFKA_RESP_ERR__TRANSPORT),
        Case(.fetch, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR), Case(.fetch, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE),
        Case(.fetch, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), Case(.fetch, RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE),
    ])
    func `a member reads every message once, whatever passing error comes between`(_ case: Case) async throws {
        try await withLog { cluster, log in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            try await consumer.untilAssigned()
            cluster.refuse(`case`.request, with: `case`.errors)
            _ = try await log.append((0..<9).map { OutgoingMessage(topic: "numbers", key: nil, value: [$0]) })
            var read: [Offset] = []
            while read.count < 9 {
                try Task.checkCancellation()
                if case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(30)) {
                    read += batch.records.map(\.offset)
                }
            }
            #expect(read == Array(0..<9))
        }
    }

    @Test func `a member that may not read a topic is told so, and reads once it may`() async throws {
        try await withLog { cluster, log in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            try await consumer.untilAssigned()
            cluster.refuse(.fetch, with: [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
            _ = try await log.append([OutgoingMessage(topic: "numbers", key: nil, value: [1])])
            let refusal = await #expect(throws: LogError.self) {
                while true {
                    try Task.checkCancellation()
                    _ = try await consumer.next(waitingAtMost: .seconds(30))
                }
            }
            #expect(refusal?.cause.contains("ACLs") == true)
            while true {
                try Task.checkCancellation()
                if case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(30)),
                    !batch.records.isEmpty
                {
                    break
                }
            }
        }
    }
}
