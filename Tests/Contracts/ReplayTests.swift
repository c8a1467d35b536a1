import DeadLetters
import EventLog
import Foundation
import Lake
import MarketData
import Runtime
import Testing

/// That a letter is replayed once, whichever log it lies in.
@Suite(.timeLimit(.minutes(2)))
struct ReplayTests {
    /// No letter of these tests is kept as an object.
    private static let store = LocalObjectStore(
        root: FileManager.default.temporaryDirectory.appending(path: "pregao-no-store").path)

    private func withLetters(
        _ kind: EventLogKind, _ count: Int, _ body: (any EventLogUnderTest, any EventLog) async throws -> Void
    ) async throws {
        try await withLog(kind, topics: ["numbers": 1, DeadLetter.topic: 1]) { underTest, log in
            _ = try await log.append((0..<count).map { letter($0) })
            try await body(underTest, log)
        }
    }

    private func letter(_ number: Int) -> OutgoingMessage {
        let letter = DeadLetter(
            topic: "numbers", partition: 0, offset: Int64(number), timestamp: Instant(microseconds: 0),
            reason: "not-json", detail: "seen",
            content: .inline(
                key: Array("key".utf8), value: Array("\(number)".utf8),
                headers: [.init(name: "by", value: [0, 255])]))
        return OutgoingMessage(topic: DeadLetter.topic, key: nil, value: letter.json())
    }

    /// - Returns: how many were replayed.
    @discardableResult
    private static func replay(_ log: any EventLog) async throws -> Int {
        var replayed = 0
        try await Replay(log: log, raw: store, clock: SystemWallClock()).run(LetterSelection()) {
            if case .replayed = $1 { replayed += 1 }
        }
        return replayed
    }

    private func numbers(in log: any EventLog) async throws -> [Int] {
        var numbers: [Int] = []
        var next: Offset = 0
        let end = try await log.watermarks(of: "numbers")[partition(0)]?.end ?? 0
        while next < end {
            let batch = try await log.read(partition(0), from: next, to: end, maximumBytes: 1 << 20)
            numbers += batch.numbers
            guard batch.nextOffset > next else { break }
            next = batch.nextOffset
        }
        return numbers
    }

    @Test(arguments: EventLogKind.all)
    func `letters are replayed in order, with key, headers and the letter's position`(_ kind: EventLogKind)
        async throws
    {
        try await withLetters(kind, 3) { _, log in
            #expect(try await Self.replay(log) == 3)
            let end = try #require(try await log.watermarks(of: "numbers")[partition(0)]?.end)
            let batch = try await log.read(partition(0), from: 0, to: end, maximumBytes: 1 << 20)
            #expect(batch.numbers == [0, 1, 2])
            for (number, record) in batch.records.enumerated() {
                #expect(batch.key(of: record) == Array("key".utf8))
                #expect(
                    record.headers == [
                        Header(name: "by", value: [0, 255]),
                        Header(name: "pregao-replay-of", value: Array("pregao.dead-letters/0/\(number)".utf8)),
                    ])
            }
        }
    }

    @Test(arguments: EventLogKind.all)
    func `what another has replayed is not replayed again`(_ kind: EventLogKind) async throws {
        try await withLetters(kind, 5) { underTest, log in
            #expect(try await Self.replay(log) == 5)
            let other = try await underTest.open()
            #expect(try await Self.replay(other) == 0)
            _ = try await other.append([letter(5)])
            #expect(try await Self.replay(other) == 1)
            await other.close()
            #expect(try await numbers(in: log) == Array(0..<6))
        }
    }

    @Test(arguments: EventLogKind.all)
    func `of replays at the same time each letter is replayed by one`(_ kind: EventLogKind) async throws {
        try await withLetters(kind, 450) { underTest, log in
            let logs = [log, try await underTest.open(), try await underTest.open()]
            await withTaskGroup(of: Void.self) { group in
                // One may put the other out, which then fails.
                for log in logs { group.addTask { _ = try? await Self.replay(log) } }
            }
            try await Self.replay(log)
            #expect(try await numbers(in: log) == Array(0..<450))
            for other in logs.dropFirst() { await other.close() }
        }
    }
}
