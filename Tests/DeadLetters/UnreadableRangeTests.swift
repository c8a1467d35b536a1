import DeadLetters
import EventLog
import Lake
import MarketData
import Runtime
import Testing

/// A log that has lost what was in a topic from some offset on, and still says where it ended.
private struct ForgetfulLog: EventLog {
    let real: any EventLog
    let topic: String
    let lost: Offset
    /// What is kept begins there, by the word of the log; nil where it says nothing of what is lost.
    var keptFrom: Offset?
    private let asked = Counter()

    init(real: any EventLog, topic: String, lost: Offset, keptFrom: Offset? = nil) {
        self.real = real
        self.topic = topic
        self.lost = lost
        self.keptFrom = keptFrom
    }

    var epoch: String { real.epoch }

    func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch
    {
        guard partition.topic == topic, end > lost, start < keptFrom ?? .max else {
            return try await real.read(partition, from: start, to: end, maximumBytes: maximumBytes)
        }
        guard start < lost else { return RecordBatch(source: partition, startingAt: start) }
        return try await real.read(partition, from: start, to: lost, maximumBytes: maximumBytes)
    }
    /// The first word is of before the loss.
    func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        let marks = try await real.watermarks(of: topic)
        guard topic == self.topic, let keptFrom, await asked.next() > 1 else { return marks }
        return marks.mapValues { Watermarks(start: keptFrom, end: $0.end) }
    }

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await real.declare(topic, readBy: groups)
    }
    func topics() async throws(LogError) -> [TopicDeclaration] { try await real.topics() }
    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        try await real.append(messages)
    }
    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        try await real.join(group: group, instance: instance, topics: topics)
    }
    func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        try await real.committed(group: group, topics: topics)
    }
    func applyRetention(now: Instant?) async throws(LogError) { try await real.applyRetention(now: now) }
    func close() async { await real.close() }
}

private actor Counter {
    private var count = 0

    func next() -> Int {
        count += 1
        return count
    }
}

@Suite("Dead letters: a log that cannot be read to its end", .timeLimit(.minutes(1)))
struct UnreadableRangeTests {
    @Test("Letters that the log should have and does not give are told, after those before them")
    func letters() async throws {
        try await Office.with { office in
            try await office.send(letter(0), letter(1), letter(2))
            let log = ForgetfulLog(real: office.log, topic: DeadLetter.topic, lost: 1)
            var found: [Offset] = []
            let error = await #expect(throws: LogError.self) {
                try await LetterBox(log: log, raw: office.raw).visit { found.append($0.position.offset) }
            }
            #expect(found == [0])
            #expect(error?.doing.contains("\(DeadLetter.topic)/0 from 1 to 3") == true)
        }
    }

    @Test("Where not every note of a replay can be read, nothing is replayed a second time")
    func notes() async throws {
        try await Office.with { office in
            try await office.send(letter(0), letter(1))
            try await office.replay()
            let log = ForgetfulLog(real: office.log, topic: "pregao.replays", lost: 1)
            let replay = Replay(log: log, raw: office.raw, clock: SystemWallClock())
            let error = await #expect(throws: LogError.self) {
                try await replay.run(LetterSelection()) { _, _ in }
            }
            #expect(error?.doing.contains("pregao.replays/0") == true)
            #expect(try await office.messages().count == 2)
        }
    }

    @Test("What retention has taken meanwhile is passed over")
    func retention() async throws {
        try await Office.with { office in
            try await office.send(letter(0), letter(1), letter(2))
            let log = ForgetfulLog(real: office.log, topic: DeadLetter.topic, lost: 0, keptFrom: 2)
            var found: [Offset] = []
            try await LetterBox(log: log, raw: office.raw).visit { found.append($0.position.offset) }
            #expect(found == [2])
        }
    }
}
