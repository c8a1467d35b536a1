import DeadLetters
import EventLog
import Foundation
import Lake
import MarketData
import Runtime
import Testing

@Suite("Dead letters: replaying", .timeLimit(.minutes(1)))
struct ReplayTests {
    @Test("A message comes back byte by byte, with a header that names its letter")
    func byteByByte() async throws {
        try await Office.with { office in
            let odd = DeadLetter.Header(name: "título", value: Array(0...255))
            let parts: [[UInt8]?] = [nil, [], Array(0...255), Array(repeating: 0xff, count: 5000)]
            let originals = parts.flatMap { key in
                parts.map { OriginalMessage(key: key, value: $0, headers: [odd, odd]) }
            }
            var positions: [LetterPosition] = []
            for (offset, it) in originals.enumerated() {
                positions += try await office.send(
                    letter(Int64(offset), value: it.value, key: it.key, headers: it.headers))
            }
            let outcomes = try await office.replay()
            #expect(outcomes.values.allSatisfy(\.isReplayed) && outcomes.count == originals.count)
            let expected = zip(originals, positions).map { original, position in
                OriginalMessage(
                    key: original.key, value: original.value, headers: original.headers + [origin(position)])
            }
            #expect(try await office.messages() == expected)
        }
    }

    @Test("What was replayed is told, and not replayed again")
    func twice() async throws {
        try await Office.with { office in
            let positions = try await office.send(letter(0), letter(1))
            #expect(try await office.replay(.only(positions[0]))[positions[0]]?.isReplayed == true)
            let second = try await office.replay()
            #expect(second[positions[0]]?.wasBefore == true)
            #expect(second[positions[1]]?.isReplayed == true)
            #expect(try await office.messages().count == 2)
        }
    }

    @Test("More than one commit holds are replayed in their order")
    func many() async throws {
        try await Office.with { office in
            for number in 0..<250 { try await office.send(letter(Int64(number), value: Array("\(number)".utf8))) }
            #expect(try await office.replay().count == 250)
            let values = try await office.messages().map { String(decoding: $0.value ?? [], as: UTF8.self) }
            #expect(values == (0..<250).map { "\($0)" })
        }
    }

    @Test("A rehearsal tells what would be replayed, and appends nothing")
    func rehearsal() async throws {
        try await Office.with { office in
            let positions = try await office.send(letter(0), letter(1, topic: "pregao.unheard-of"))
            var outcomes: [LetterPosition: Replay.Outcome] = [:]
            try await Replay(log: office.log, raw: office.raw, clock: SystemWallClock()).rehearse(LetterSelection()) {
                outcomes[$0.position] = $1
            }
            #expect(outcomes[positions[0]] == .wouldReplay)
            #expect(outcomes[positions[1]]?.failure != nil)
            #expect(try await office.messages().isEmpty)
            #expect(try await office.replay(.only(positions[0]))[positions[0]]?.isReplayed == true)
        }
    }

    @Test("Corrected bytes go in place of the message's own, under its key")
    func corrected() async throws {
        try await Office.with { office in
            let position = try #require(try await office.send(letter(0)).first)
            try await office.replay(.only(position), corrected: Array("mended".utf8))
            let message = try #require(try await office.messages().first)
            #expect(message.value == Array("mended".utf8))
            #expect(message.key == Array("K".utf8))
        }
    }

    @Test("A message that comes back names the newest letter alone")
    func again() async throws {
        try await Office.with { office in
            let first = try #require(try await office.send(letter(0)).first)
            try await office.replay()
            let failed = try #require(try await office.messages().first)
            let second = try #require(
                try await office.send(letter(1, headers: failed.headers)).first)
            #expect(
                try await office.box.letter(at: second)?.letter?.inlineMessage?.origin == "pregao.dead-letters/\(first)"
            )
            try await office.replay()
            #expect(try await office.messages().map(\.headers) == [[origin(first)], [origin(second)]])
        }
    }

    @Test("A letter that was too large to send is replayed from the object that it names")
    func stored() async throws {
        try await Office.with { office in
            let large = letter(7, value: Array(repeating: 7, count: 700_000))
            let kept = large.stored(epoch: "epoch123")
            try await office.raw.put(kept.bytes, at: kept.key)
            try await office.send(kept.letter)
            #expect(try await office.replay().values.allSatisfy(\.isReplayed))
            #expect(try await office.messages().map(\.value) == [Array(repeating: 7, count: 700_000)])
        }
    }

    /// Letters that nothing can be replayed from.
    enum Defect: String, CaseIterable, Sendable {
        case noLetter, unheardOfTopic, toTheDeadLetters, toTheNotes, lostObject, damagedObject, objectOfAnother
        case objectOutside, tooLargeWithItsHeader

        /// What is sent in the letter's place.
        func value(_ office: Office) async throws -> [UInt8] {
            let good = letter(0)
            switch self {
            case .noLetter: return Array("no letter".utf8)
            case .unheardOfTopic: return letter(0, topic: "pregao.unheard-of").json()
            case .toTheDeadLetters: return letter(0, topic: "pregao.dead-letters").json()
            case .toTheNotes: return letter(0, topic: "pregao.replays").json()
            case .lostObject: return good.stored(epoch: "epoch123").letter.json()
            case .damagedObject:
                let kept = good.stored(epoch: "epoch123")
                try await office.raw.put(letter(0, value: Array("forged".utf8)).json(), at: kept.key)
                return kept.letter.json()
            case .objectOfAnother:
                let other = letter(1).stored(epoch: "epoch123")
                try await office.raw.put(other.bytes, at: other.key)
                return naming(other.key)
            case .objectOutside: return naming("../../../../etc/passwd")
            case .tooLargeWithItsHeader:
                let kept = letter(0, value: Array(repeating: 7, count: 1 << 20 - 1)).stored(epoch: "epoch123")
                try await office.raw.put(kept.bytes, at: kept.key)
                return kept.letter.json()
            }
        }

        private func naming(_ object: String) -> [UInt8] {
            DeadLetter(
                topic: Office.source, partition: 0, offset: 0, timestamp: Instant(microseconds: 0), reason: "not-json",
                detail: "seen", content: .stored(object: object)
            ).json()
        }
    }

    @Test("What cannot be replayed is told with its reason, and keeps no other waiting", arguments: Defect.allCases)
    func defects(_ defect: Defect) async throws {
        try await Office.with { office in
            try await office.log.declare(
                TopicDeclaration(name: "pregao.replays", partitions: 1, retention: Retention(.compact)))
            let before = try await office.send(letter(10, value: Array("before".utf8)))
            let sent = try await office.log.append([
                OutgoingMessage(topic: DeadLetter.topic, key: nil, value: try await defect.value(office))
            ])
            let after = try await office.send(letter(11, value: Array("after".utf8)))
            let outcomes = try await office.replay()
            let position = LetterPosition(partition: 0, offset: try #require(sent.first).offset)
            #expect(outcomes[position]?.failure?.isEmpty == false)
            #expect((before + after).allSatisfy { outcomes[$0]?.isReplayed == true })
            #expect(try await office.messages().map(\.value) == [Array("before".utf8), Array("after".utf8)])
            // It still waits.
            #expect(try await office.replay()[position]?.failure != nil)
        }
    }

    @Test("A note of other bytes at the same position is of a topic that was there before, and says nothing")
    func topicMadeAnew() async throws {
        try await Office.with { office in
            let position = try #require(try await office.send(letter(0)).first)
            try await office.log.declare(
                TopicDeclaration(name: "pregao.replays", partitions: 1, retention: Retention(.compact)))
            let note = """
                {"corrected":false,"letter":"\(position)","replayed_at":"2026-11-27T12:00:00.000000Z",\
                "sha256":"\(SHA256.hexadecimal(of: letter(1).json()))","topic":"pregao.prices"}
                """
            let garbage = [Array(note.utf8), Array("no note".utf8), nil]
            _ = try await office.log.append(
                garbage.map {
                    OutgoingMessage(topic: "pregao.replays", key: Array("\(position)".utf8), value: $0)
                })
            #expect(try await office.replay()[position]?.isReplayed == true)
        }
    }

    @Test("Compacting the notes forgets no replay")
    func compacted() async throws {
        try await Office.with { office in
            for number in 0..<3 { try await office.send(letter(Int64(number))) }
            try await office.replay()
            try await office.log.applyRetention(now: nil)
            let again = try await office.replay()
            #expect(again.count == 3 && again.values.allSatisfy(\.wasBefore))
            #expect(try await office.messages().count == 3)
        }
    }
}
