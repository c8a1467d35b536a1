import Foundation
import Testing

/// Files that somebody, or a disk, has damaged while nothing was running.
@Suite("Damaged files", .timeLimit(.minutes(5)))
struct DamageTests {
    private static func withCollected(_ body: (Pipeline) async throws -> Void) async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD", "ETH-USD"])) { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(30, whileAlive: ["run"])
            try await pipeline.finish("run")
            try await body(pipeline)
        }
    }

    private enum Damage: CaseIterable {
        case flippedByte, truncated, missing

        func inflict(on file: URL) throws {
            var bytes = try Data(contentsOf: file)
            switch self {
            case .flippedByte: bytes[bytes.count / 2] ^= 1
            case .truncated: bytes.removeLast(100)
            case .missing: return try FileManager.default.removeItem(at: file)
            }
            try bytes.write(to: file)
        }
    }

    @Test("a raw object with another byte, cut short or gone is named by verify, and restored from backup")
    func rawObject() async throws {
        try await Self.withCollected { pipeline in
            try await pipeline.expectProven()
            let key = try #require(
                try await pipeline.rows(
                    "SELECT min(key) AS key FROM lake.pregao.objects WHERE dataset = 'quotes' AND status = 'registered'"
                ).first?["key"])
            let file = pipeline.data.appending(path: "lake/\(key)")
            let intact = try Data(contentsOf: file)
            for damage in Damage.allCases {
                try damage.inflict(on: file)
                let report = try await pipeline.expect(1, ["verify", "--full", "--json"])
                #expect(report.contains(key), "\(damage)")
                try await pipeline.expect(0, ["restore", "--full"])
                #expect(try Data(contentsOf: file) == intact, "\(damage)")
            }
            try await pipeline.expectProven()
        }
    }

    @Test("a backup with another byte, cut short or gone is named by verify, and replaced from raw")
    func backup() async throws {
        try await Self.withCollected { pipeline in
            try await pipeline.expectProven()
            let key = try #require(
                try await pipeline.rows("SELECT min(key) AS key FROM lake.pregao.objects WHERE dataset = 'quotes'")
                    .first?["key"])
            let file = pipeline.data.appending(path: "backup/\(key)")
            let intact = try Data(contentsOf: file)
            for damage in Damage.allCases {
                try damage.inflict(on: file)
                let report = try await pipeline.expect(1, ["verify", "--full", "--json"])
                #expect(report.contains(key) && report.contains("pregao restore --backup"), "\(damage)")
                try await pipeline.expect(0, ["restore", "--backup", "--full"])
                #expect(try Data(contentsOf: file) == intact, "\(damage)")
            }
            try await pipeline.expectProven()
        }
    }

    @Test("a damaged catalog ends every start with what to do next; rebuilt from backup, everything is proven")
    func catalog() async throws {
        try await Self.withCollected { pipeline in
            let quotes = try await quoteCount(pipeline)
            let file = pipeline.data.appending(path: "catalog/catalog.sqlite")
            try Data("no catalog any more, just words".utf8).write(to: file)
            for command in [["run", "--for", "1s"], ["query", "SELECT 1"], ["verify"]] {
                let output = try await pipeline.expect(69, command)
                #expect(output.contains("pregao catalog rebuild"), "\(command)")
            }
            try await pipeline.expect(0, ["catalog", "rebuild"])
            try await pipeline.expectProven()
            #expect(try await quoteCount(pipeline) == quotes)
        }
    }

    private func quoteCount(_ pipeline: Pipeline) async throws -> [[String: String]] {
        try await pipeline.rows("SELECT CAST(count(*) AS VARCHAR) AS n FROM lake.raw.quotes")
    }

    @Test("a damaged log ends the start with its path and what to do next, and stays as it is")
    func log() async throws {
        try await Self.withCollected { pipeline in
            let file = pipeline.data.appending(path: "log/pregao.sqlite")
            let words = Data(String(repeating: "no log any more, just words. ", count: 1000).utf8)
            try words.write(to: file)
            // The write-ahead log may hold every page, and the log would be whole with it.
            for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file.path + suffix) }
            for command in [["run", "--for", "1s"], ["log", "topics"]] {
                let output = try await pipeline.expect(69, command)
                #expect(output.contains(file.path) && output.contains("docs/operations.md"), "\(command): \(output)")
            }
            #expect(try Data(contentsOf: file) == words)
        }
    }

    @Test(
        "settings that cannot be read end every start with their place",
        arguments: [
            ("bytes that are no text", [0x64, 0x61, 0x74, 0x61, 0x3a, 0x20, 0xff, 0xfe] as [UInt8]?),
            ("no YAML", Array("data: [unclosed\nfeeds: }".utf8)),
            ("a list", Array("- data".utf8)),
            ("a setting that nobody knows", Array("dta: here".utf8)),
            ("nothing there", nil),
        ])
    func settings(name: String, bytes: [UInt8]?) async throws {
        try await Pipeline.with(Pipeline.Options()) { pipeline in
            try FileManager.default.removeItem(at: pipeline.settingsFile)
            if let bytes { try Data(bytes).write(to: pipeline.settingsFile) }
            for command in [["run", "--for", "1s"], ["config", "check"]] {
                let output = try await pipeline.expect(78, command)
                #expect(output.contains(pipeline.settingsFile.path))
            }
            #expect(!FileManager.default.fileExists(atPath: pipeline.data.path))
        }
    }
}
