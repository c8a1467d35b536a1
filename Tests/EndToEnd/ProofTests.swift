import Foundation
import Testing

@Suite("The kill tests' proof", .timeLimit(.minutes(2)))
struct ProofTests {
    /// Four seconds of one series, a poll a second: served, spoilt, served, and served but lost.
    private static let sound: [String: [String]] = {
        let second: (Int) -> Int = { 1_795_262_400_000_000 + $0 * 1_000_000 }
        let quotes = [0, 2].map { index in
            "coinbase-spot,A-USD,spot,10\(index).5,\(second(index)),1000000,\(second(index) + 5000),0,\(index / 2)"
        }
        let header = "feed,symbol,price_type,price,scheduled_at,poll_interval,observed_at,partition,offset"
        let messages = [0, 2].map { index in
            #"{"partition":0,"offset":\#(index / 2),"value":{"feed":"coinbase-spot","symbol":"A-USD","#
                + #""price_type":"spot","price":"10\#(index).5","scheduled_at":"2026-11-21T12:00:0\#(index).000000Z","#
                + #""poll_interval":1000000,"observed_at":"2026-11-21T12:00:0\#(index).005000Z"}}"#
        }
        let journal = (0..<4).map { index in
            #"{"serial":\#(index),"time":\#(second(index) + 4000),"symbol":"A-USD","series":"spot","fault":"#
                + (index == 1 ? #""500","price":null}"# : #"null,"price":"10\#(index).5"}"#)
        }
        let gaps = [1, 3].map { "coinbase-spot,A-USD,spot,\(second($0)),\(second($0 + 1)),downtime,0,\($0 / 2)" }
        return [
            "journal.jsonl": journal, "log.jsonl": messages,
            "log_gaps.jsonl": [0, 1].map { #"{"partition":0,"offset":\#($0),"value":{"symbol":"A-USD"}}"# },
            "raw.csv": [header] + quotes, "files.csv": [header] + quotes,
            "gaps.csv": ["feed,symbol,price_type,from_time,to_time,reason,partition,offset"] + gaps,
            "minutes.csv": [
                "symbol,feed,price_type,minute,open,high,low,close,quotes,first_time,last_time",
                "A-USD,coinbase-spot,spot,\(second(0)),100.5,102.5,100.5,102.5,2,\(second(0) + 5000),"
                    + "\(second(2) + 5000)",
            ],
            "days.csv": [
                "symbol,feed,price_type,trading_day,open,high,low,close,quotes,minutes",
                "A-USD,coinbase-spot,spot,2026-11-21,100.5,102.5,100.5,102.5,2,1",
            ],
        ]
    }()

    private static func offences(in files: [String: [String]]) throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "proof-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, lines) in files {
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: folder.appending(path: name))
        }
        return try Proof(folder: folder).report().offences.map(\.check)
    }

    @Test("what is sound is found sound")
    func sound() throws { #expect(try Self.offences(in: Self.sound) == []) }

    /// A change of one file, and the check that must see it.
    struct Damage: CustomTestStringConvertible {
        let file: String
        let change: @Sendable ([String]) -> [String]
        let seenBy: String

        var testDescription: String { "\(file): \(seenBy)" }

        static func replacing(_ file: String, _ old: String, _ new: String, line: Int, seenBy: String) -> Damage {
            Damage(
                file: file,
                change: { lines in
                    var lines = lines
                    lines[line] = lines[line].replacingOccurrences(of: old, with: new)
                    return lines
                }, seenBy: seenBy)
        }

        static func dropping(_ file: String, line: Int, seenBy: String) -> Damage {
            Damage(
                file: file, change: { lines in lines.enumerated().filter { $0.offset != line }.map(\.element) },
                seenBy: seenBy)
        }

        static func repeating(_ file: String, line: Int, seenBy: String) -> Damage {
            Damage(file: file, change: { $0 + [$0[line]] }, seenBy: seenBy)
        }
    }

    static let damages: [Damage] = [
        Damage(file: "raw.csv", change: { [$0[0]] }, seenBy: "nothing was collected"),
        .repeating("raw.csv", line: 1, seenBy: "raw holds a price twice"),
        .replacing("raw.csv", "100.5", "99.5", line: 1, seenBy: "raw holds a price that was not served"),
        .dropping("raw.csv", line: 2, seenBy: "a served price is neither in raw nor in a gap"),
        .dropping("gaps.csv", line: 2, seenBy: "a served price is neither in raw nor in a gap"),
        .replacing(
            "journal.jsonl", "A-USD", "B-USD", line: 1, seenBy: "a spoilt answer is neither made good nor in a gap"),
        .dropping("raw.csv", line: 1, seenBy: "a message of the log is not in raw"),
        .dropping("log.jsonl", line: 0, seenBy: "a row of raw is not in the log"),
        .replacing(
            "log.jsonl", "12:00:00.005", "12:00:00.006", line: 0, seenBy: "a row of raw differs from its message"),
        .replacing(
            "log_gaps.jsonl", #""offset":1"#, #""offset":7"#, line: 1, seenBy: "a recorded gap is not in raw"),
        .repeating("files.csv", line: 1, seenBy: "a row is in the files, not in the table"),
        .dropping("files.csv", line: 1, seenBy: "a row is in the table, not in the files"),
        .replacing("minutes.csv", ",2,", ",3,", line: 1, seenBy: "a minute is missing or other than raw gives"),
        .repeating("minutes.csv", line: 1, seenBy: "a minute is there that raw does not give"),
        .replacing(
            "days.csv", "102.5,2,1", "102.4,2,1", line: 1, seenBy: "a day is missing or other than raw gives"),
        .repeating("days.csv", line: 1, seenBy: "a day is there that raw does not give"),
        .dropping("gaps.csv", line: 1, seenBy: "a slot is neither a quote nor in a gap"),
        .repeating("gaps.csv", line: 1, seenBy: "a slot is there twice"),
    ]

    @Test("each damage is seen", arguments: damages)
    func damage(damage: Damage) throws {
        var files = Self.sound
        files[damage.file] = damage.change(files[damage.file] ?? [])
        #expect(try Self.offences(in: files).contains(damage.seenBy))
    }

    @Test("every check has a damage that it sees")
    func complete() { #expect(Set(Self.damages.map(\.seenBy)) == Set(Proof.checks.map(\.name))) }
}
