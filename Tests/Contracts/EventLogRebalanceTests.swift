import EventLog
import MarketData
import Runtime
import Testing

/// What every log does when members come and go.
@Suite(.timeLimit(.minutes(3)))
struct EventLogRebalanceTests {
    private let four: Set<TopicPartition> = [partition(0), partition(1), partition(2), partition(3)]

    @Test(arguments: EventLogKind.all)
    func `a newcomer is given half of the partitions, but only once their owner has released them`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, topics: ["numbers": 4]) { _, log in
            var first = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await first.untilAssigned(4)
            var second = Follower(try await log.join(group: "readers", instance: "b", topics: ["numbers"]))
            #expect(try await second.poll() == nil)

            let revoking = try await first.untilRevoking()
            #expect(revoking.count == 2)
            #expect(try await second.poll() == nil)

            try await first.release(revoking)
            try await second.untilAssigned(2)
            #expect(Set(second.assigned.keys) == revoking)
            #expect(Set(first.assigned.keys) == four.subtracting(revoking))
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions))
    func `a partition that its owner gives up unasked is assigned anew, from the group's position`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, topics: ["numbers": 2]) { _, log in
            _ = try await log.append((0..<40).map { message($0) })
            var member = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await member.untilNumbers(40)
            let given = partition(0)
            _ = try await member.consumer.commit(CommitBatch(given, from: 0, to: 5))
            try await member.release([given])
            try await member.untilAssigned(2)
            #expect(member.assigned[given] == 5)
            try await member.untilNumbers(41)
            _ = try await member.consumer.commit(CommitBatch(given, from: 5, to: 6))
            #expect(try await log.committed(group: "readers") == [given: 6])
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions))
    func `what an owner commits while it gives partitions back is where the newcomer goes on`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind, topics: ["numbers": 2]) { underTest, log in
            _ = try await log.append((0..<40).map { message($0) })
            var first = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await first.untilNumbers(40)
            let other = try await underTest.open()
            var second = Follower(try await other.join(group: "readers", instance: "b", topics: ["numbers"]))

            let revoking = try await first.untilRevoking()
            let moved = try #require(revoking.first)
            _ = try await first.consumer.commit(CommitBatch(moved, from: 0, to: 15))
            try await first.release(revoking)

            try await second.untilAssigned(1)
            #expect(second.assigned == [moved: 15])
            try await second.untilNumbers(5)
            let error = await #expect(throws: LogError.self) {
                try await first.consumer.commit(CommitBatch(moved, from: 15, to: 20))
            }
            #expect(error?.kind == .fenced)
            _ = try await second.consumer.commit(CommitBatch(moved, from: 15, to: 20))
            #expect(try await log.committed(group: "readers") == [moved: 20])
            await other.close()
        }
    }

    @Test(arguments: EventLogKind.all)
    func `a partition that is being given back brings no more records`(_ kind: EventLogKind) async throws {
        try await withLog(kind, topics: ["numbers": 2]) { _, log in
            var first = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await first.untilAssigned(2)
            let second = try await log.join(group: "readers", instance: "b", topics: ["numbers"])
            let revoking = try await first.untilRevoking()
            _ = try await log.append((0..<2).map { message($0) })
            if kind.abilities.contains(.readingWhileGivingBack) { try await first.untilNumbers(1) }
            #expect(try await first.poll() == nil)
            try await first.release(revoking)
            try await first.untilNumbers(1)
            #expect(try await first.poll() == nil)
            #expect(first.batches.allSatisfy { !revoking.contains($0.source) })
            await second.leave()
        }
    }

    @Test(arguments: EventLogKind.able(to: .leavingAtOnce))
    func `the partitions of a member that leaves go to the others at once`(_ kind: EventLogKind) async throws {
        try await withLog(kind, topics: ["numbers": 4]) { _, log in
            var first = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await first.untilAssigned(4)
            var second = Follower(try await log.join(group: "readers", instance: "b", topics: ["numbers"]))
            try await first.release(try await first.untilRevoking())
            try await second.untilAssigned(2)

            await first.consumer.leave()
            try await second.untilAssigned(4)
            #expect(Set(second.assigned.keys) == four)
            let error = await #expect(throws: LogError.self) { try await first.consumer.next(waitingAtMost: .zero) }
            #expect(error?.kind == .closed)
        }
    }

    @Test(arguments: EventLogKind.able(to: .takingOverAtOnce))
    func `an instance started anew takes over at once, and its earlier life can no longer commit`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, topics: ["numbers": 1, "others": 1]) { underTest, log in
            _ = try await log.append((0..<10).map { message($0) })
            var before = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await before.untilNumbers(10)
            _ = try await before.consumer.commit(CommitBatch(partition(0), from: 0, to: 3))

            let other = try await underTest.open()
            var after = Follower(try await other.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await after.untilAssigned(1)
            #expect(after.assigned == [partition(0): 3])

            for batch in [
                CommitBatch(partition(0), from: 3, to: 5, appends: [message(1, to: "others")]),
                CommitBatch(advances: [], appends: [message(1, to: "others")]),
            ] {
                let error = await #expect(throws: LogError.self) { try await before.consumer.commit(batch) }
                #expect(error?.kind == .fenced, "\(String(describing: error))")
            }
            #expect(try await log.watermarks(of: "others")[partition(0, of: "others")]?.end == 0)
            #expect(try await log.committed(group: "readers") == [partition(0): 3])

            #expect(try await before.untilLost() == [partition(0)])
            let error = await #expect(throws: LogError.self) { try await before.consumer.next(waitingAtMost: .zero) }
            #expect(error?.kind == .fenced)
            _ = try await after.consumer.commit(CommitBatch(partition(0), from: 3, to: 5))
            await other.close()
        }
    }

    @Test(arguments: EventLogKind.able(to: .takingOverAtOnce))
    func `of two commits of one range, by an owner before and after it started anew, one succeeds`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, topics: ["numbers": 1, "others": 1]) { _, log in
            _ = try await log.append((0..<10).map { message($0) })
            for round in 0..<5 {
                let start = Offset(round)
                var before = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
                try await before.untilAssigned(1)
                var after = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
                try await after.untilAssigned(1)
                let batch = CommitBatch(
                    partition(0), from: start, to: start + 1, appends: [message(round, to: "others")])
                let members = [before.consumer, after.consumer]
                let succeeded = await withTaskGroup(of: Bool.self) { group in
                    for member in members {
                        group.addTask { (try? await member.commit(batch)) != nil }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(succeeded == 1)
            }
            let end = try #require(try await log.watermarks(of: "others")[partition(0, of: "others")]?.end)
            let announced = try await log.read(partition(0, of: "others"), from: 0, to: end, maximumBytes: .max)
            #expect(announced.numbers == [0, 1, 2, 3, 4])
        }
    }

    @Test(arguments: EventLogKind.all)
    func `members of different topics share only what both read`(_ kind: EventLogKind) async throws {
        try await withLog(kind, topics: ["numbers": 2, "others": 2]) { _, log in
            var numbers = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            var others = Follower(try await log.join(group: "readers", instance: "b", topics: ["others"]))
            try await numbers.untilAssigned(2)
            try await others.untilAssigned(2)
            #expect(numbers.assigned.keys.allSatisfy { $0.topic == "numbers" })
            #expect(others.assigned.keys.allSatisfy { $0.topic == "others" })
        }
    }

    @Test(arguments: EventLogKind.able(to: .positions, .rebalancingAlways))
    func `while members come and go, every message is committed exactly once and in order`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind, topics: ["numbers": 4, "copies": 4]) { underTest, log in
            _ = try await log.append((0..<400).map { message($0, key: "key \($0 % 37)") })
            let other = try await underTest.open()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, log) in [log, other, log, other].enumerated() {
                    group.addTask {
                        let copier = Copier(log: log, instance: "copier \(index)")
                        // Some stay for a few commits only, and come back.
                        for _ in 0..<index { try await copier.run(commits: 3) }
                        try await copier.run(commits: .max)
                    }
                }
                try await group.waitForAll()
            }
            for number in Int32(0)..<4 {
                let sent = try await log.read(partition(number), from: 0, to: 400, maximumBytes: .max)
                let copies = partition(number, of: "copies")
                let end = try #require(try await log.watermarks(of: "copies")[copies]?.end)
                let copied = try await log.read(copies, from: 0, to: end, maximumBytes: .max)
                #expect(sent.numbers == copied.numbers)
            }
            await other.close()
        }
    }
}

/// Copies topic `numbers` to `copies`, a few messages a commit, until every partition is committed to its end.
private struct Copier {
    let log: any EventLog
    let instance: String

    func run(commits limit: Int) async throws {
        let consumer = try await log.join(group: "copiers", instance: instance, topics: ["numbers"])
        var positions: [TopicPartition: Offset] = [:]
        var commits = 0
        while commits < limit, !(try await isDone()) {
            try Task.checkCancellation()
            switch try await consumer.next(waitingAtMost: .milliseconds(20)) {
            case .assigned(let assigned): positions.merge(assigned) { $1 }
            case .revoking(let partitions):
                try await consumer.release(partitions)
                for partition in partitions { positions[partition] = nil }
            case .lost(let partitions): for partition in partitions { positions[partition] = nil }
            case .trimmed, nil: break
            case .records(let batch):
                guard var start = positions[batch.source] else { continue }
                var rest = batch.records[...]
                repeat {
                    let records = rest.prefix(7)
                    rest = rest.dropFirst(7)
                    let end = rest.first?.offset ?? batch.nextOffset
                    _ = try await consumer.commit(
                        CommitBatch(
                            batch.source, from: start, to: end,
                            appends: records.map { record in
                                OutgoingMessage(
                                    topic: "copies", key: batch.key(of: record), value: batch.value(of: record))
                            }))
                    start = end
                    commits += 1
                } while !rest.isEmpty
                positions[batch.source] = batch.nextOffset
            }
        }
        await consumer.leave()
    }

    private func isDone() async throws -> Bool {
        let committed = try await log.committed(group: "copiers")
        return try await log.watermarks(of: "numbers").allSatisfy { committed[$0.key] ?? 0 == $0.value.end }
    }
}
