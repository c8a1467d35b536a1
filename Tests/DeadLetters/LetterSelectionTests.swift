import DeadLetters
import EventLog
import Lake
import MarketData
import Runtime
import Testing

@Suite("Dead letters: selecting")
struct LetterSelectionTests {
    @Test(
        "A position is read as it is written, and short for partition 0",
        arguments: [("0/17", "0/17"), ("17", "0/17"), ("3/0", "3/0"), ("0", "0/0")])
    func positions(text: String, written: String) { #expect(LetterPosition(text)?.description == written) }

    @Test(
        "What is no position is none",
        arguments: [
            "", "/", "1/", "/1", "a", "-1", "0/-1", "+1", "1/2/3", " 1", "99999999999999999999", "2147483648/1", "0x1",
        ])
    func noPositions(text: String) { #expect(LetterPosition(text) == nil) }

    @Test("Letters are selected by all that is given, and by nothing else")
    func narrowing() async throws {
        try await Office.with { office in
            try await office.send(
                letter(0), letter(1, reason: "too-deep"), letter(2, topic: "pregao.others"),
                letter(3, topic: "pregao.others", reason: "too-deep"))
            func offsets(_ narrow: (inout LetterSelection) -> Void) async throws -> [Int64] {
                var selection = LetterSelection()
                narrow(&selection)
                var offsets: [Int64] = []
                try await office.box.visit(selection) { offsets.append($0.position.offset) }
                return offsets
            }
            #expect(try await offsets { _ in } == [0, 1, 2, 3])
            #expect(try await offsets { $0.topic = "pregao.others" } == [2, 3])
            #expect(try await offsets { $0.reason = "too-deep" } == [1, 3])
            #expect(try await offsets { ($0.topic, $0.reason) = ("pregao.others", "too-deep") } == [3])
            #expect(try await offsets { $0.positions = [LetterPosition(partition: 0, offset: 1)] } == [1])
            #expect(try await offsets { $0.positions = [LetterPosition(partition: 0, offset: 9)] } == [])
            #expect(try await offsets { $0.positions = [LetterPosition(partition: 7, offset: 1)] } == [])
            let now = SystemWallClock().now()
            #expect(try await offsets { $0.since = now.adding(microseconds: 60_000_000) } == [])
            #expect(try await offsets { $0.until = now.adding(microseconds: 60_000_000) } == [0, 1, 2, 3])
            #expect(try await offsets { $0.until = now.adding(microseconds: -60_000_000) } == [])
        }
    }

    @Test("Those that wait are those that were not replayed")
    func waiting() async throws {
        try await Office.with { office in
            let positions = try await office.send(letter(0), letter(1), letter(2))
            try await office.replay(.only(positions[1]))
            var selection = LetterSelection()
            selection.waiting = true
            var found: [LetterPosition] = []
            try await office.box.visit(selection) { found.append($0.position) }
            #expect(found == [positions[0], positions[2]])
        }
    }

    @Test("Where there is no topic of letters yet, there is none")
    func none() async throws {
        try await Office.with { office in
            let letter = try await office.box.letter(at: LetterPosition(partition: 0, offset: 0))
            #expect(letter == nil)
        }
    }
}
