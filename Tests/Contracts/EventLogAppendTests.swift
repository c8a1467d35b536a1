import EventLog
import MarketData
import Runtime
import Testing

/// What every log does with topics and messages.
@Suite(.timeLimit(.minutes(3)))
struct EventLogAppendTests {
    @Test(arguments: EventLogKind.all)
    func `messages are read in the order they were appended`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            let positions = try await log.append((0..<100).map { message($0) })
            #expect(positions.map(\.offset) == Array(0..<100))
            let batch = try await log.read(partition(0), from: 0, to: 100, maximumBytes: .max)
            #expect(batch.numbers == Array(0..<100))
            #expect(batch.records.map(\.offset) == Array(0..<100))
            #expect(batch.nextOffset == 100)
        }
    }

    @Test(arguments: EventLogKind.all)
    func `appended messages are there when the log is opened again, under the same epoch`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind) { underTest, log in
            _ = try await log.append([message(7)])
            await log.close()
            let again = try await underTest.open()
            #expect(again.epoch == log.epoch)
            #expect(try await again.read(partition(0), from: 0, to: 1, maximumBytes: .max).numbers == [7])
            await again.close()
        }
    }

    @Test(arguments: EventLogKind.all)
    func `a new log has an epoch of eight letters and digits, of its own`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, one in
            try await withLog(kind) { _, other in
                #expect(one.epoch != other.epoch)
                #expect(one.epoch.wholeMatch(of: /[a-z0-9]{8}/) != nil)
            }
        }
    }

    @Test(arguments: EventLogKind.all)
    func `keys, values and headers come back byte by byte`(_ kind: EventLogKind) async throws {
        let parts: [[UInt8]?] = [
            nil, [], [0], Array(0...255), Array("ação".utf8), Array(repeating: 0xff, count: 70_000),
        ]
        try await withLog(kind) { _, log in
            var sent: [OutgoingMessage] = []
            for key in parts {
                for value in parts {
                    let headers = [Header(name: "", value: []), Header(name: "título", value: Array(0...255))]
                    sent.append(
                        OutgoingMessage(
                            topic: "numbers", key: key, value: value, headers: sent.count % 2 == 0 ? headers : []))
                }
            }
            _ = try await log.append(sent)
            var read: [(key: [UInt8]?, value: [UInt8]?, headers: [Header])] = []
            while read.count < sent.count {
                let batch = try await log.read(
                    partition(0), from: Offset(read.count), to: Offset(sent.count), maximumBytes: 100_000)
                read += batch.records.map { (batch.key(of: $0), batch.value(of: $0), $0.headers) }
            }
            for (sent, read) in zip(sent, read) {
                #expect(sent.key == read.key)
                #expect(sent.value == read.value)
                #expect(sent.headers == read.headers)
            }
        }
    }

    @Test(arguments: EventLogKind.all)
    func `equal keys go to one partition, and keys are spread over all`(_ kind: EventLogKind) async throws {
        try await withLog(kind, topics: ["numbers": 4]) { _, log in
            let first = try await log.append((0..<100).map { message($0, key: "key \($0)") })
            let second = try await log.append((0..<100).map { message($0, key: "key \($0)") })
            #expect(first.map(\.partition) == second.map(\.partition))
            #expect(Set(first.map(\.partition)).count == 4)
        }
    }

    @Test(arguments: EventLogKind.all)
    func `one append may go to several topics`(_ kind: EventLogKind) async throws {
        try await withLog(kind, topics: ["numbers": 1, "others": 1]) { _, log in
            let positions = try await log.append([message(1), message(2, to: "others"), message(3)])
            #expect(positions.map(\.partition.topic) == ["numbers", "others", "numbers"])
            #expect(positions.map(\.offset) == [0, 0, 1])
        }
    }

    @Test(arguments: EventLogKind.all)
    func `an append of nothing does nothing`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            let positions = try await log.append([])
            #expect(positions == [])
        }
    }

    @Test(arguments: EventLogKind.all)
    func `an append to a topic never declared stores none of its messages`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            let error = await #expect(throws: LogError.self) {
                try await log.append([message(1), message(2, to: "unheard-of")])
            }
            #expect(error?.kind == .unknownTopic)
            #expect(error?.description.contains("unheard-of") == true)
            let watermarks = try await log.watermarks(of: "numbers")
            #expect(watermarks[partition(0)] == Watermarks(start: 0, end: 0))
        }
    }

    @Test(arguments: EventLogKind.all)
    func `a message above the limit is refused with its topic, and none of its append is stored`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind) { _, log in
            let large = OutgoingMessage(topic: "numbers", key: nil, value: Array(repeating: 0, count: 1 << 20 + 1))
            let error = await #expect(throws: LogError.self) { try await log.append([message(1), large]) }
            #expect(error?.kind == .messageTooLarge)
            #expect(error?.description.contains("numbers") == true)
            let watermarks = try await log.watermarks(of: "numbers")
            #expect(watermarks[partition(0)] == Watermarks(start: 0, end: 0))
        }
    }

    @Test(arguments: EventLogKind.all)
    func `no append is lost or stored twice when many append at once, through two openings`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind, topics: ["numbers": 3]) { underTest, log in
            let other = try await underTest.open()
            let positions = try await withThrowingTaskGroup(of: [LogPosition].self) { group in
                for writer in 0..<20 {
                    group.addTask {
                        var positions: [LogPosition] = []
                        for round in 0..<10 {
                            let number = writer * 10 + round
                            positions += try await (writer % 2 == 0 ? log : other).append([message(number)])
                        }
                        return positions
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(positions).count == 200)
            var numbers: [Int] = []
            // Each opening surely sees what it has appended itself.
            let ends = try await log.watermarks(of: "numbers").merging(other.watermarks(of: "numbers")) {
                Watermarks(start: $0.start, end: max($0.end, $1.end))
            }
            for (partition, watermarks) in ends {
                numbers += try await other.read(partition, from: 0, to: watermarks.end, maximumBytes: .max).numbers
            }
            #expect(numbers.sorted() == Array(0..<200))
            await other.close()
        }
    }

    @Test(arguments: EventLogKind.all)
    func `a read brings at most the bytes asked for, or one message, and goes on where it ended`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind) { _, log in
            _ = try await log.append((10..<20).map { message($0) })
            let two = try await log.read(partition(0), from: 0, to: 10, maximumBytes: 5)
            #expect(two.numbers == [10, 11])
            #expect(two.nextOffset == 2)
            let one = try await log.read(partition(0), from: two.nextOffset, to: 10, maximumBytes: 1)
            #expect(one.numbers == [12])
            let none = try await log.read(partition(0), from: 10, to: 10, maximumBytes: 5)
            #expect(none.records.isEmpty)
        }
    }

    @Test(arguments: EventLogKind.all)
    func `a read counts headers, and bounds the number of messages however short they are`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind, topics: ["numbers": 1, "others": 1]) { _, log in
            let header = Header(name: "trace", value: Array(repeating: 0, count: 995))
            _ = try await log.append(
                (0..<4).map { _ in OutgoingMessage(topic: "numbers", key: nil, value: nil, headers: [header]) })
            let two = try await log.read(partition(0), from: 0, to: 4, maximumBytes: 2500)
            #expect(two.records.count == 2)
            #expect(two.byteCount == 2000)
            #expect(two.nextOffset == 2)
            _ = try await log.append((0..<5000).map { _ in OutgoingMessage(topic: "others", key: nil, value: nil) })
            let others = partition(0, of: "others")
            let short = try await log.read(others, from: 0, to: 5000, maximumBytes: 64_000)
            #expect(short.records.count == RecordBatch.maximumRecords(ofBytes: 64_000))
            #expect(short.nextOffset == 1000)
            #expect(short.byteCount == 0 && short.memoryBytes > 1000 * 32)
        }
    }

    @Test(arguments: EventLogKind.all)
    func `a read past the end gives what there is`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            _ = try await log.append([message(1)])
            let batch = try await log.read(partition(0), from: 0, to: 100, maximumBytes: .max)
            #expect(batch.numbers == [1])
            #expect(try await log.watermarks(of: "numbers")[partition(0)]?.end == batch.nextOffset)
            let beyond = try await log.read(partition(0), from: 50, to: 100, maximumBytes: .max)
            #expect(beyond.records.isEmpty)
        }
    }

    @Test(arguments: EventLogKind.able(to: .declaring))
    func `topics are listed by name as they were declared, and a second declaration sets the retention`(
        _ kind: EventLogKind
    ) async throws {
        try await withLog(kind, topics: ["b": 2, "a": 1]) { underTest, log in
            let kept = Retention(.delete(age: .seconds(3600), bytes: 1_000_000))
            let declaration = TopicDeclaration(name: "b", partitions: 2, retention: kept)
            try await log.declare(declaration)
            try await log.declare(declaration)
            let other = try await underTest.open()
            for log in [log, other] {
                let topics = try await log.topics()
                #expect(topics.map(\.name) == ["a", "b"])
                #expect(topics.last == declaration)
            }
            await other.close()
        }
    }

    @Test(arguments: EventLogKind.able(to: .declaring))
    func `a topic with fewer partitions than declared is refused, since keys would move`(_ kind: EventLogKind)
        async throws
    {
        try await withLog(kind, topics: ["numbers": 2]) { _, log in
            await #expect(throws: LogError.self) {
                try await log.declare(
                    TopicDeclaration(name: "numbers", partitions: 3, retention: Retention(.keepAll)))
            }
            try await log.declare(TopicDeclaration(name: "numbers", partitions: 1, retention: Retention(.keepAll)))
            #expect(try await log.watermarks(of: "numbers").count == 2)
        }
    }

    @Test(arguments: EventLogKind.all)
    func `a closed log says so`(_ kind: EventLogKind) async throws {
        try await withLog(kind) { _, log in
            await log.close()
            let error = await #expect(throws: LogError.self) { try await log.append([message(1)]) }
            #expect(error?.kind == .closed)
        }
    }
}
