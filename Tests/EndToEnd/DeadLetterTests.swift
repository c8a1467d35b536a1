import EventLog
import Foundation
import Lake
import MarketData
import Runtime
import Testing

/// Letters looked at, mended and replayed with the built program.
@Suite("Dead letters", .serialized, .timeLimit(.minutes(5)))
struct DeadLetterTests {
    private static func quote(_ second: Int, price: String = "1.5") -> String {
        #"{"version":1,"feed":"by-hand","symbol":"HAND-USD","price_type":"spot","price":"\#(price)","#
            + #""scheduled_at":"2026-11-20T10:00:0\#(second).000000Z","poll_interval":1000000,"#
            + #""observed_at":"2026-11-20T10:00:0\#(second).100000Z","trading_day":"2026-11-20"}"#
    }

    private static func message(_ value: [UInt8]) -> OutgoingMessage {
        OutgoingMessage(
            topic: Datasets.quotes.topic, key: Array("HAND-USD".utf8), value: value,
            headers: [Header(name: "by", value: Array("hand".utf8))])
    }

    /// A pipeline in which these were appended and flushed.
    private static func with(_ values: [[UInt8]], _ body: (Pipeline) async throws -> Void) async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"])) { pipeline in
            try await pipeline.expect(0, ["run", "--for", "1s"])
            let log = try await pipeline.openLog()
            _ = try await log.append(values.map(message))
            await log.close()
            try await pipeline.finishBacklog()
            try await body(pipeline)
        }
    }

    /// Objects of `--json` lines; what is no text is left out.
    private static func lines(_ output: String) throws -> [[String: String]] {
        try output.split(separator: "\n").filter { $0.hasPrefix("{") }.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
            return object.compactMapValues { $0 as? String }
        }
    }

    private func list(_ pipeline: Pipeline, _ options: String...) async throws -> [[String: String]] {
        try Self.lines(try await pipeline.expect(0, ["dead-letters", "list", "--json"] + options))
    }

    private func prices(_ pipeline: Pipeline) async throws -> [String] {
        try await pipeline.rows(
            "SELECT CAST(price AS DOUBLE)::VARCHAR AS p FROM lake.raw.quotes WHERE symbol = 'HAND-USD' ORDER BY p"
        ).compactMap { $0["p"] }
    }

    @Test("what is mended becomes a row, once; what is not comes back as a letter that names the one before")
    func mended() async throws {
        let bad = Self.quote(1, price: "NaN")
        let large = [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
        try await Self.with([Array(bad.utf8), Array("\u{1b}[2Jnot a quote".utf8), large]) { pipeline in
            let letters = try await list(pipeline, "--waiting", "--topic", Datasets.quotes.topic)
            #expect(letters.compactMap { $0["letter"] } == ["0/0", "0/1", "0/2"])
            #expect(letters.compactMap { $0["reason"] } == ["wrong-type", "not-json", "not-json"])

            let shown = try await pipeline.expect(0, ["dead-letters", "show", "0/0"])
            #expect(shown.contains("HAND-USD") && shown.contains("header by") && shown.contains(bad))
            // What would steer the terminal is shown in hexadecimal.
            #expect(try await !pipeline.expect(0, ["dead-letters", "show", "1"]).contains("\u{1b}"))
            #expect(try await pipeline.expect(0, ["dead-letters", "show", "0/0", "--raw"]) == bad)
            #expect(try await pipeline.expect(0, ["dead-letters", "show", "0/2", "--raw"]).utf8.count == large.count)

            let file = pipeline.folder.appending(path: "mended.json")
            try Data(Self.quote(1).utf8).write(to: file)
            let mend = ["dead-letters", "replay", "0/0", "--value", file.path]
            #expect(try await pipeline.expect(0, mend).contains("replayed as \(Datasets.quotes.topic)/"))
            #expect(try await pipeline.expect(0, mend).contains("was replayed at"))
            try await pipeline.expect(0, ["dead-letters", "replay", "--reason", "not-json", "--dry-run"])
            try await pipeline.expect(0, ["dead-letters", "replay", "--reason", "not-json"])
            try await pipeline.expect(0, ["dead-letters", "replay", "--all"])
            try await pipeline.expectProven()

            #expect(try await prices(pipeline) == ["1.5"])
            let left = try await list(pipeline, "--waiting")
            #expect(left.compactMap { $0["replay of"] } == ["pregao.dead-letters/0/1"])
            // Of the large one the header is in the object that its letter names.
            #expect(left.count == 2)
            #expect(try await pipeline.expect(0, ["dead-letters", "show", "0/4"]).contains("pregao.dead-letters/0/2"))
        }
    }

    @Test("a replay that dies after a commit is taken up by the next, and every message is there once")
    func killed() async throws {
        try await Self.with((0..<250).map { Array("bad \($0)".utf8) }) { pipeline in
            try pipeline.start("replay", ["dead-letters", "replay", "--all"], waypoint: "replay-committed:2:kill")
            let child = try pipeline.child("replay")
            try await eventually("the kill") { child.ending != nil }
            #expect(child.ending == .killed(SIGKILL))
            #expect(try await list(pipeline, "--waiting").count == 50)
            try await pipeline.expect(0, ["dead-letters", "replay", "--all"])
            try await pipeline.expect(0, ["dead-letters", "replay", "--all"])

            let log = try await pipeline.openLog()
            var origins: [String] = []
            for (partition, marks) in try await log.watermarks(of: Datasets.quotes.topic) {
                var next = marks.start
                while next < marks.end {
                    let batch = try await log.read(partition, from: next, to: marks.end, maximumBytes: 1 << 20)
                    origins += batch.records.flatMap(\.headers).filter { $0.name == "pregao-replay-of" }
                        .map { String(decoding: $0.value, as: UTF8.self) }
                    guard batch.nextOffset > next else { break }
                    next = batch.nextOffset
                }
            }
            await log.close()
            #expect(origins.count == 250)
            #expect(Set(origins) == Set((0..<250).map { "pregao.dead-letters/0/\($0)" }))
            try await pipeline.expectProven()
        }
    }

    @Test("a refused object that can be had again is registered by a replay, and all is proven")
    func refused() async throws {
        try await Self.with([Array(Self.quote(1).utf8)]) { pipeline in
            let log = try await pipeline.openLog()
            _ = try await log.append([Self.message(Array(Self.quote(2).utf8))])
            await log.close()
            try await pipeline.expect(0, ["flush", "--for", "2s"])
            let raw = pipeline.data.appending(path: "lake/raw")
            let aside = pipeline.folder.appending(path: "aside")
            try FileManager.default.moveItem(at: raw, to: aside)
            try FileManager.default.createDirectory(at: raw, withIntermediateDirectories: false)
            try await pipeline.expect(0, ["archive", "--for", "2s"])
            try FileManager.default.removeItem(at: raw)
            try FileManager.default.moveItem(at: aside, to: raw)
            #expect(try await pipeline.expect(1, ["verify"]).contains("absent"))

            let letters = try await list(pipeline, "--topic", Announcement.topic)
            #expect(!letters.isEmpty && letters.allSatisfy { $0["reason"] == "absent" })
            try await pipeline.expect(0, ["dead-letters", "replay", "--topic", Announcement.topic])
            try await pipeline.expectProven()
            #expect(try await prices(pipeline).count == 2)
        }
    }

    @Test("a second replay on the machine ends at once, and a position without a letter is told")
    func refusals() async throws {
        try await Self.with((0..<3).map { Array("bad \($0)".utf8) }) { pipeline in
            let lock = open(pipeline.data.appending(path: "status/replay.lock").path, O_RDWR | O_CREAT, 0o644)
            #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
            let second = try await pipeline.expect(75, ["dead-letters", "replay", "--all"])
            #expect(second.contains("Wait until it has ended"))
            close(lock)
            #expect(try await list(pipeline, "--waiting").count == 3)
            #expect(try await pipeline.expect(69, ["dead-letters", "show", "0/99"]).contains("no letter 0/99"))
            #expect(try await pipeline.expect(69, ["dead-letters", "replay", "0/99"]).contains("no letter 0/99"))
            try await pipeline.expect(1, ["dead-letters", "replay", "0/0", "0/99"])
            for wrong in [[], ["--all", "0/1"], ["0/x"], ["--since", "soon"], ["0/1", "0/2", "--value", "f"]] {
                try await pipeline.expect(64, ["dead-letters", "replay"] + wrong)
            }
        }
    }
}
