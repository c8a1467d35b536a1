import EventLog
import Foundation
import Lake
import MarketData
import Testing

/// Whoever may append to a topic may append anything.
@Suite("Messages appended by hand", .timeLimit(.minutes(5)))
struct BadMessagesTests {
    /// A quote of a feed that nobody polls, so that its slots are its own.
    private static func quote(second: Int) -> String {
        #"{"version":1,"feed":"by-hand","symbol":"HAND-USD","price_type":"spot","price":"1.5","#
            + #""scheduled_at":"2026-11-20T10:00:0\#(second).000000Z","poll_interval":1000000,"#
            + #""observed_at":"2026-11-20T10:00:0\#(second).100000Z","trading_day":"2026-11-20"}"#
    }

    private static func quote(replacing old: String, with new: String) -> [UInt8] {
        Array(quote(second: 9).replacingOccurrences(of: old, with: new).utf8)
    }

    private static let nested = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)

    /// What is appended, and the reason that its dead letter has to give.
    private static let bad: [(value: [UInt8]?, reason: RejectionReason)] = [
        (nil, .tombstone),
        ([], .notJSON),
        (Array("<html>".utf8), .notJSON),
        (Array(quote(second: 9).utf8.dropLast(9)), .notJSON),
        (quote(replacing: #""1.5""#, with: "NaN"), .notJSON),
        (Array(repeating: UInt8(ascii: "x"), count: 1 << 20 - 64), .notJSON),
        (Array("[1]".utf8), .notAnObject),
        (quote(second: 9).utf8.map { $0 == UInt8(ascii: "H") ? 0xff : $0 }, .notUTF8),
        (quote(replacing: #""version":1"#, with: #""version":1,"extra":\#(nested)"#), .tooDeep),
        (quote(replacing: #""version":1"#, with: #""version":1,"price":"2""#), .duplicateKey),
        (quote(replacing: #""version":1,"#, with: ""), .noVersion),
        (quote(replacing: #""price":"1.5","#, with: ""), .missingColumn),
        (quote(replacing: #""1.5""#, with: "null"), .missingColumn),
        (quote(replacing: "1.5", with: "NaN"), .wrongType),
        (quote(replacing: #""1.5""#, with: "1.5"), .wrongType),
        (quote(replacing: "1.5", with: "1.0000000000000000001"), .decimalDoesNotFit),
        (quote(replacing: "1.5", with: "123456789012345678901"), .decimalDoesNotFit),
        (quote(replacing: "2026", with: "1999"), .implausibleTime),
        (quote(replacing: "2026", with: "2100"), .implausibleTime),
    ]

    private static func message(_ value: [UInt8]?) -> OutgoingMessage {
        OutgoingMessage(topic: Datasets.quotes.topic, key: Array("HAND-USD".utf8), value: value)
    }

    @Test("each bad one is a dead letter with its place and reason, the good ones are rows, and all is proven")
    func deadLetters() async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"])) { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(10, whileAlive: ["run"])
            let log = try await pipeline.openLog()
            let good = (0..<3).map { Self.message(Array(Self.quote(second: $0).utf8)) }
            let positions = try await log.append(
                [good[0]] + Self.bad.map { Self.message($0.value) } + good.dropFirst())
            try await pipeline.answers(10, whileAlive: ["run"])
            try await pipeline.finish("run")
            try await pipeline.expectProven()

            let letters = try await pipeline.deadLetters()
            let expected = zip(positions.dropFirst(), Self.bad).map { "\($0.0.offset) \($0.1.reason.rawValue)" }
            #expect(letters.map { "\($0.offset) \($0.reason)" } == expected)
            #expect(letters.allSatisfy { $0.topic == Datasets.quotes.topic && !$0.detail.isEmpty })
            let rows = try await pipeline.rows(
                "SELECT CAST(count(*) AS VARCHAR) AS n FROM lake.raw.quotes WHERE symbol = 'HAND-USD'")
            #expect(rows == [["n": "3"]])
            await log.close()
        }
    }

    @Test("one larger than the log takes is refused, and nothing of its append is stored")
    func tooLarge() async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"])) { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(5, whileAlive: ["run"])
            let log = try await pipeline.openLog()
            let large = Self.message(Array(repeating: 0x20, count: 1 << 20 + 1))
            let error = await #expect(throws: LogError.self) {
                try await log.append([Self.message(Array(Self.quote(second: 0).utf8)), large])
            }
            #expect(error?.kind == .messageTooLarge)
            await log.close()
            try await pipeline.finish("run")
            try await pipeline.expectProven()
            #expect(try await pipeline.deadLetters().isEmpty)
        }
    }

    @Test("one of a newer version stops its partition with an error that names it; nothing behind it is lost")
    func newerVersion() async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"])) { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(5, whileAlive: ["run"])
            let log = try await pipeline.openLog()
            let newer = Self.quote(replacing: #""version":1"#, with: #""version":99"#)
            let behind = Self.message(Array(Self.quote(second: 1).utf8))
            let positions = try await log.append([Self.message(newer), behind])
            let stuck = try #require(positions.first)
            let child = try pipeline.child("run")
            try await eventually("the error") {
                try pipeline.expectAlive(["run"])
                return child.lastLines(1000).contains("version=99")
            }
            let line = try #require(child.lastLines(1000).split(separator: "\n").first { $0.contains("version=99") })
            #expect(line.contains("level=error"))
            #expect(line.contains("partition=\(stuck.partition.partition) ") && line.contains("offset=\(stuck.offset)"))
            try await pipeline.answers(10, whileAlive: ["run"])
            try await pipeline.finish("run")
            let position = try await log.committed(group: "pregao.flusher")[stuck.partition]
            #expect((position ?? 0) == stuck.offset)
            #expect(try await pipeline.deadLetters().isEmpty)
            // What waits behind a version that this program does not know is pending, not wrong.
            try await pipeline.expect(0, ["verify", "--full"])
            await log.close()
        }
    }
}

extension Pipeline {
    /// What lies on `pregao.dead-letters`, in its order.
    func deadLetters() async throws -> [DeadLetter] {
        let log = try await openLog()
        var letters: [DeadLetter] = []
        for (partition, marks) in try await log.watermarks(of: DeadLetter.topic) {
            var next = marks.start
            while next < marks.end {
                let batch = try await log.read(partition, from: next, to: marks.end, maximumBytes: 1 << 20)
                letters += try batch.records.compactMap { try batch.value(of: $0).map(DeadLetter.parse) }
                guard batch.nextOffset > next else { break }
                next = batch.nextOffset
            }
        }
        await log.close()
        return letters
    }
}
