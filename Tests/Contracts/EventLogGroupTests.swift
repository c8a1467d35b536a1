import EventLog
import MarketData
import Runtime
import Testing

/// What every log does for the members of a group.
@Suite(.timeLimit(.minutes(3)))
struct EventLogGroupTests {
    @Test(arguments: EventLogKind.all)
    func `a first member is given all partitions from their first kept offsets, then their records`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, topics: ["numbers": 2, "others": 1]) { _, log in
            _ = try await log.append((0..<10).map { message($0) })
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers", "others"])
            var follower = Follower(consumer)
            guard case .assigned(let positions) = try await follower.next() else {
                Issue.record("records came before the assignment")
                return
            }
            #expect(positions == [partition(0): 0, partition(1): 0, partition(0, of: "others"): 0])
            try await follower.untilNumbers(10)
            #expect(follower.numbers.sorted() == Array(0..<10))
        }
    }

    @Test(arguments: EventLogKind.all)
    func `a member that waits is given what is appended, here or through another opening`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind) { underTest, log in
            let other = try await underTest.open()
            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilAssigned(1)
            for (number, writer) in [log, other].enumerated() {
                let waiting = follower
                async let batch = waiting.nextMessages()
                _ = try await writer.append([message(number)])
                #expect(try await batch.numbers == [number])
            }
            await other.close()
        }
    }

    @Test(arguments: EventLogKind.all)
    func `where nothing comes, a member hears nothing`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilAssigned(1)
            #expect(try await follower.poll() == nil)
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions))
    func `a commit moves the positions and appends its messages`(_ kind: EventLogKind) async throws {
        try await withLog(kind, topics: ["numbers": 1, "others": 1]) { _, log in
            _ = try await log.append((0..<10).map { message($0) })
            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilNumbers(10)
            #expect(try await log.committed(group: "readers") == [:])
            let positions = try await follower.consumer.commit(
                CommitBatch(partition(0), from: 0, to: 10, appends: [message(1, to: "others")]))
            #expect(positions == [LogPosition(partition: partition(0, of: "others"), offset: 0)])
            #expect(try await log.committed(group: "readers") == [partition(0): 10])
            #expect(try await log.read(partition(0, of: "others"), from: 0, to: 1, maximumBytes: 9).numbers == [1])
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions))
    func `positions in a topic that is not there are not taken for none`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            let positions = try await log.committed(group: "readers", topics: ["numbers"])
            #expect(positions.isEmpty)
            let error = await #expect(throws: LogError.self) {
                try await log.committed(group: "readers", topics: ["numbers", "others"])
            }
            #expect(error?.kind == .unknownTopic)
        }
    }

    /// What makes a commit untrue, and with it void as a whole.
    enum Untruth: CaseIterable {
        case startBelow, startAbove, partitionOfNobody, secondAdvanceWrong, topicUnknown, messageTooLarge

        var batch: CommitBatch {
            let right = CommitBatch.Advance(partition: partition(0), start: 5, end: 8)
            let kept = message(1, to: "others")
            switch self {
            case .startBelow: return CommitBatch(partition(0), from: 4, to: 8, appends: [kept])
            case .startAbove: return CommitBatch(partition(0), from: 6, to: 8, appends: [kept])
            case .partitionOfNobody:
                let nobodys = CommitBatch.Advance(partition: partition(0, of: "others"), start: 0, end: 1)
                return CommitBatch(advances: [right, nobodys], appends: [kept])
            case .secondAdvanceWrong:
                return CommitBatch(advances: [right, right], appends: [kept])
            case .topicUnknown:
                return CommitBatch(advances: [right], appends: [kept, message(1, to: "unheard-of")])
            case .messageTooLarge:
                let large = OutgoingMessage(topic: "others", key: nil, value: Array(repeating: 0, count: 1 << 21))
                return CommitBatch(advances: [right], appends: [kept, large])
            }
        }

        var kind: LogError.Kind {
            switch self {
            case .startBelow, .startAbove, .partitionOfNobody, .secondAdvanceWrong: .fenced
            case .topicUnknown: .unknownTopic
            case .messageTooLarge: .messageTooLarge
            }
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions), Untruth.allCases)
    func `a commit that is untrue anywhere does nothing, and the next true one succeeds`(
        _ kind: EventLogKind, _ untruth: Untruth
    ) async throws {
        try await withLog(kind, topics: ["numbers": 1, "others": 1]) { _, log in
            _ = try await log.append((0..<10).map { message($0) })
            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilNumbers(10)
            _ = try await follower.consumer.commit(CommitBatch(partition(0), from: 0, to: 5))

            let error = await #expect(throws: LogError.self) { try await follower.consumer.commit(untruth.batch) }
            #expect(error?.kind == untruth.kind)
            #expect(try await log.committed(group: "readers") == [partition(0): 5])
            #expect(try await log.watermarks(of: "others")[partition(0, of: "others")]?.end == 0)

            _ = try await follower.consumer.commit(
                CommitBatch(partition(0), from: 5, to: 8, appends: [message(3, to: "others")]))
            #expect(try await log.committed(group: "readers") == [partition(0): 8])
        }
    }

    @Test(arguments: EventLogKind.all)
    func `an untrue commit spoils none of the appends made at the same time`(_ kind: EventLogKind) async throws {
        try await withLog(kind, topics: ["numbers": 1, "others": 1]) { _, log in
            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilAssigned(1)
            let consumer = follower.consumer
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        await #expect(throws: LogError.self) {
                            try await consumer.commit(
                                CommitBatch(partition(0), from: 99, to: 100, appends: [message(-1, to: "others")]))
                        }
                    }
                    group.addTask {
                        await #expect(throws: Never.self) { try await log.append([message(number, to: "others")]) }
                    }
                }
            }
            let end = try #require(try await log.watermarks(of: "others")[partition(0, of: "others")]?.end)
            let stored = try await log.read(partition(0, of: "others"), from: 0, to: end, maximumBytes: .max)
            #expect(stored.numbers.sorted() == Array(0..<50))
            #expect(stored.nextOffset == end)
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions))
    func `a commit of nothing does nothing, whoever makes it`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
            #expect(try await consumer.commit(CommitBatch(advances: [], appends: [])) == [])
            #expect(try await log.committed(group: "readers") == [:])
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions))
    func `a member that comes back goes on at the committed positions`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { underTest, log in
            _ = try await log.append((0..<10).map { message($0) })
            var before = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await before.untilNumbers(10)
            _ = try await before.consumer.commit(CommitBatch(partition(0), from: 0, to: 4))
            await before.consumer.leave()
            await log.close()

            let again = try await underTest.open()
            var after = Follower(try await again.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await after.untilAssigned(1)
            #expect(after.assigned == [partition(0): 4])
            try await after.untilNumbers(6)
            #expect(after.numbers == Array(4..<10))
            await again.close()
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions))
    func `groups are independent of each other`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            _ = try await log.append([message(1)])
            for group in ["one", "two"] {
                var follower = Follower(try await log.join(group: group, instance: "a", topics: ["numbers"]))
                try await follower.untilNumbers(1)
                _ = try await follower.consumer.commit(CommitBatch(partition(0), from: 0, to: 1))
            }
            #expect(try await log.committed(group: "one") == [partition(0): 1])
            #expect(try await log.committed(group: "two") == [partition(0): 1])
            #expect(try await log.committed(group: "three") == [:])
        }
    }

    @Test(arguments: EventLogKind.all)
    func `paused partitions bring no records until they are resumed`(_ kind: EventLogKind) async throws {
        try await withLog(kind, topics: ["numbers": 1, "others": 1]) { _, log in
            let consumer = try await log.join(group: "readers", instance: "a", topics: ["numbers", "others"])
            var follower = Follower(consumer)
            try await follower.untilAssigned(2)
            await follower.consumer.pause([partition(0)])
            _ = try await log.append([message(1), message(2, to: "others")])
            try await follower.untilNumbers(1)
            #expect(follower.numbers == [2])
            #expect(try await follower.poll() == nil)
            await follower.consumer.resume([partition(0)])
            try await follower.untilNumbers(2)
            #expect(follower.numbers == [2, 1])
        }
    }

    @Test(arguments: EventLogKind.all)
    func `joining for a topic never declared is refused`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            let error = await #expect(throws: LogError.self) {
                _ = try await log.join(group: "readers", instance: "a", topics: ["unheard-of"])
            }
            #expect(error?.kind == .unknownTopic)
        }
    }
}
