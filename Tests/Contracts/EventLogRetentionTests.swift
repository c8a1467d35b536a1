import EventLog
import MarketData
import Runtime
import Testing

/// What every log lets go, and when.
@Suite(.timeLimit(.minutes(3)))
struct EventLogRetentionTests {
    private let later = SystemWallClock().now().adding(microseconds: 7_200_000_000)

    @Test(arguments: EventLogKind.able(to: .retention))
    func `messages older than the age are removed, newer ones are kept`(_ kind: EventLogKind) async throws {
        try await withLog(kind, retention: .delete(age: .seconds(3600), bytes: nil)) { _, log in
            _ = try await log.append((0..<10).map { message($0) })
            try await log.applyRetention(now: SystemWallClock().now())
            let kept = try await log.watermarks(of: "numbers")
            #expect(kept[partition(0)] == Watermarks(start: 0, end: 10))
            try await log.applyRetention(now: later)
            let gone = try await log.watermarks(of: "numbers")
            #expect(gone[partition(0)] == Watermarks(start: 10, end: 10))
            #expect(try await log.append([message(10)]).map(\.offset) == [10])
        }
    }

    @Test(arguments: EventLogKind.able(to: .retention))
    func `while the time is not known nothing goes for its age, though what is beyond the bytes does`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, topics: ["numbers": 1, "large": 1], retention: .delete(age: .zero, bytes: 20)) {
            _, log in
            _ = try await log.append((0..<10).map { message($0) } + (10..<60).map { message($0, to: "large") })
            try await log.applyRetention(now: nil)
            #expect(try await log.watermarks(of: "numbers")[partition(0)] == Watermarks(start: 0, end: 10))
            let large = partition(0, of: "large")
            #expect(try await log.watermarks(of: "large")[large] == Watermarks(start: 40, end: 50))
        }
    }

    @Test(arguments: EventLogKind.able(to: .retention))
    func `a partition beyond its bytes loses its first messages`(_ kind: EventLogKind) async throws {
        try await withLog(kind, retention: .delete(age: nil, bytes: 20)) { _, log in
            _ = try await log.append((10..<60).map { message($0) })
            try await log.applyRetention(now: later)
            let batch = try await log.read(partition(0), from: 0, to: 50, maximumBytes: .max)
            #expect(batch.numbers == Array(50..<60))
            let watermarks = try await log.watermarks(of: "numbers")
            #expect(watermarks[partition(0)] == Watermarks(start: 40, end: 50))
        }
    }

    @Test(arguments: EventLogKind.able(to: .retention))
    func `what any group that commits on the topic has not passed is kept, however old`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind, topics: ["numbers": 2], retention: .delete(age: .seconds(3600), bytes: 0)) { _, log in
            _ = try await log.append((0..<20).map { message($0) })
            for (group, end) in [("slow", Offset(3)), ("fast", 9)] {
                var follower = Follower(try await log.join(group: group, instance: "a", topics: ["numbers"]))
                try await follower.untilNumbers(20)
                _ = try await follower.consumer.commit(CommitBatch(partition(0), from: 0, to: end))
                await follower.consumer.leave()
            }
            try await log.applyRetention(now: later)
            let watermarks = try await log.watermarks(of: "numbers")
            #expect(watermarks[partition(0)] == Watermarks(start: 3, end: 10))
            // Neither has committed here, though both read the topic.
            #expect(watermarks[partition(1)] == Watermarks(start: 0, end: 10))
        }
    }

    @Test(arguments: EventLogKind.able(to: .retention))
    func `what a group was declared to read is kept until it has passed it, be the group never started`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, topics: ["numbers": 2]) { underTest, log in
            let topic = TopicDeclaration(
                name: "numbers", partitions: 2, retention: Retention(.delete(age: .seconds(3600), bytes: 0)))
            try await log.declare(topic, readBy: ["readers"])
            _ = try await log.append((0..<20).map { message($0) })
            // Whoever declares it without readers takes none away, and so does another process.
            try await log.declare(topic)
            let other = try await underTest.open()
            try await other.applyRetention(now: later)
            #expect(try await log.watermarks(of: "numbers")[partition(0)] == Watermarks(start: 0, end: 10))

            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilNumbers(20)
            try await other.applyRetention(now: later)
            #expect(try await log.watermarks(of: "numbers")[partition(0)] == Watermarks(start: 0, end: 10))

            _ = try await follower.consumer.commit(CommitBatch(partition(0), from: 0, to: 9))
            try await other.applyRetention(now: later)
            let watermarks = try await log.watermarks(of: "numbers")
            #expect(watermarks[partition(0)] == Watermarks(start: 9, end: 10))
            #expect(watermarks[partition(1)] == Watermarks(start: 0, end: 10))
            await other.close()
        }
    }

    @Test(arguments: EventLogKind.able(to: .retention))
    func `a member whose next message was removed is told what is gone, then reads on, and can commit past it`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, retention: .delete(age: .seconds(3600), bytes: nil)) { _, log in
            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilAssigned(1)
            await follower.consumer.pause([partition(0)])
            _ = try await log.append((0..<10).map { message($0) })
            try await log.applyRetention(now: later)
            _ = try await log.append([message(10)])
            await follower.consumer.resume([partition(0)])
            try await expectTrimmed(from: 0, of: &follower, in: log)
        }
    }

    @Test(arguments: EventLogKind.able(to: .loss))
    func `a group whose position was removed is told what is gone, then reads on, and can commit past it`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind) { underTest, log in
            _ = try await log.append((0..<10).map { message($0) })
            var before = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await before.untilNumbers(10)
            _ = try await before.consumer.commit(CommitBatch(partition(0), from: 0, to: 5))
            await before.consumer.leave()
            try await underTest.removeMessages(of: "numbers", in: log)
            _ = try await log.append([message(10)])
            var after = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await after.untilAssigned(1)
            #expect(after.assigned == [partition(0): 5])
            try await expectTrimmed(from: 5, of: &after, in: log)
        }
    }

    /// All before the message 10 was removed; the group's position is `position`.
    private func expectTrimmed(from position: Offset, of follower: inout Follower, in log: any EventLog) async throws {
        let start = try #require(try await log.watermarks(of: "numbers")[partition(0)]?.start)
        guard case .trimmed(let source, let from, let to) = try await follower.next() else {
            Issue.record("nothing was said to be trimmed")
            return
        }
        #expect(source == partition(0))
        #expect(from == position)
        #expect(to == start)
        try await follower.untilNumbers(1)
        #expect(follower.numbers == [10])
        _ = try await follower.consumer.commit(CommitBatch(partition(0), from: position, to: start + 1))
        #expect(try await log.committed(group: "readers") == [partition(0): start + 1])
    }

    @Test(arguments: EventLogKind.able(to: .removal))
    func `a group's first position is the first message that is kept, and it is told what was removed before`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, retention: .delete(age: .seconds(3600), bytes: nil)) { underTest, log in
            _ = try await log.append((0..<10).map { message($0) })
            try await underTest.removeMessages(of: "numbers", in: log)
            let kept = try #require(try await log.append([message(10)]).first).offset
            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilAssigned(1)
            #expect(follower.assigned == [partition(0): kept])
            guard case .trimmed(partition(0), from: 0, to: kept) = try await follower.next() else {
                Issue.record("nothing was said to be trimmed")
                return
            }
            try await follower.untilNumbers(1)
            let end = try #require(try await log.watermarks(of: "numbers")[partition(0)]?.end)
            _ = try await follower.consumer.commit(CommitBatch(partition(0), from: kept, to: end))
            await follower.consumer.leave()
            // What it has committed is its own affair.
            try await underTest.removeMessages(of: "numbers", in: log)
            var again = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await again.untilAssigned(1)
            #expect(try await again.poll() == nil)
        }
    }

    @Test(arguments: EventLogKind.able(to: .removal))
    func `a read goes on at the first message kept where its next ones were removed meanwhile`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind, retention: .delete(age: .seconds(3600), bytes: nil)) { underTest, log in
            // More than is read ahead, so that what was to come is gone indeed.
            let filling = String(repeating: "x", count: 500_000)
            for number in 0..<40 { _ = try await log.append([message(number, key: filling)]) }
            var next = try await log.read(partition(0), from: 0, to: .max, maximumBytes: 1).nextOffset
            try await underTest.removeMessages(of: "numbers", in: log)
            _ = try await log.append([message(40)])
            let end = try #require(try await log.watermarks(of: "numbers")[partition(0)]?.end)
            var numbers: [Int] = []
            while next < end {
                let batch = try await log.read(partition(0), from: next, to: end, maximumBytes: 1 << 20)
                guard batch.nextOffset > next else { break }
                next = batch.nextOffset
                numbers += batch.numbers
            }
            #expect(next == end)
            #expect(numbers.last == 40)
            #expect(numbers == numbers.sorted())
        }
    }

    @Test(arguments: EventLogKind.able(to: .retention))
    func `a compacted topic keeps the newest message of every key, at its offset`(_ kind: EventLogKind) async throws {
        try await withLog(kind, retention: .compact) { _, log in
            _ = try await log.append((0..<100).map { message($0, key: "key \($0 % 3)") })
            _ = try await log.append([OutgoingMessage(topic: "numbers", key: Array("key 0".utf8), value: nil)])
            try await log.applyRetention(now: later)
            let batch = try await log.read(partition(0), from: 0, to: 101, maximumBytes: .max)
            #expect(batch.records.map(\.offset) == [97, 98, 100])
            #expect(batch.numbers == [97, 98])
            var follower = Follower(try await log.join(group: "readers", instance: "a", topics: ["numbers"]))
            try await follower.untilNumbers(2)
            #expect(follower.batches.last?.nextOffset == 101)
            _ = try await follower.consumer.commit(CommitBatch(partition(0), from: 0, to: 101))
            // A range that ends among removed messages is read up to its end.
            #expect(try await log.read(partition(0), from: 10, to: 50, maximumBytes: .max).nextOffset == 50)
        }
    }
}
