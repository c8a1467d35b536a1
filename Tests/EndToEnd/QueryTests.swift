import Foundation
import Testing

/// `pregao query` on a catalog with quotes.
@Suite("Asking", .serialized, .timeLimit(.minutes(5)))
struct QueryTests {
    private static let hundredMillion = "SELECT count(*) FROM range(100000000000) AS a"

    /// A pipeline that has collected and ended.
    private static func collected(_ body: (Pipeline) async throws -> Void) async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"])) { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(10, whileAlive: ["run"])
            try await pipeline.finish("run")
            try await body(pipeline)
        }
    }

    @Test("changes nothing, wherever its rows go, and leaves no engine behind")
    func asks() async throws {
        try await Self.collected { pipeline in
            let before = try await pipeline.rows("SELECT count(*)::VARCHAR AS n FROM lake.raw.quotes")
            let catalog = pipeline.data.appending(path: "catalog/catalog.sqlite").path
            for sql in [
                "ATTACH '\(catalog)' AS c (TYPE sqlite); DELETE FROM c.ducklake_table",
                "ATTACH 'ducklake:sqlite:\(catalog)' AS l; DROP TABLE l.raw.quotes", "DETACH lake",
            ] {
                try await pipeline.expect(64, ["query", sql])
            }
            let direct = try await pipeline.run(["query", "DELETE FROM lake.raw.quotes"])
            #expect(direct.ending != .exited(0))
            #expect(try await pipeline.rows("SELECT count(*)::VARCHAR AS n FROM lake.raw.quotes") == before)

            try await Self.fullDisk(pipeline)
            try await Self.closedPipe(pipeline)
            try await Self.signalled(pipeline)
            try await Self.lostCatalog(pipeline, before)
        }
    }

    private static func ask(_ pipeline: Pipeline, _ sql: String, into redirection: String) async throws -> Prompt.Answer
    {
        try await Prompt().bash(
            "pregao query --config \"$1\" --format csv \"$2\" \(redirection)", [pipeline.settingsFile.path, sql])
    }

    private static func fullDisk(_ pipeline: Pipeline) async throws {
        let answer = try await ask(pipeline, "FROM range(1000000)", into: "> /dev/full")
        #expect(answer.code == 74)
        #expect(answer.complaints.contains("No space left on device"), "\(answer.complaints)")
    }

    private static func closedPipe(_ pipeline: Pipeline) async throws {
        let answer = try await ask(pipeline, "FROM range(1000000)", into: "| head -n 2")
        #expect(answer.code == 0 && answer.output == "range\n0\n" && answer.complaints.isEmpty, "\(answer.complaints)")
    }

    private static func signalled(_ pipeline: Pipeline) async throws {
        try pipeline.start("query", ["query", hundredMillion])
        let query = try pipeline.child("query")
        let children = "/proc/\(query.processID)/task/\(query.processID)/children"
        func engines() -> [pid_t] {
            let folder = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(query.processID)/task")) ?? []
            return folder.flatMap { task in
                let text = try? String(
                    contentsOfFile: "/proc/\(query.processID)/task/\(task)/children", encoding: .utf8)
                return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
            }
        }
        try #require(FileManager.default.fileExists(atPath: children))
        // The first engine only looks at the catalog; the one that computes lives on.
        var engine: pid_t = 0
        try await eventually("the engine at work") {
            try pipeline.expectAlive(["query"])
            engine = engines().first { Self.processorSeconds(of: $0) > 1 } ?? 0
            return engine != 0
        }
        query.signal(SIGTERM)
        try await eventually("the end of the query") { query.ending != nil }
        #expect(query.ending == .exited(143), "\(query.lastLines())")
        try await eventually("the end of its engine") { kill(engine, 0) != 0 }
    }

    /// Of the fields of /proc/PID/stat, counted behind the name's bracket, the 12th and 13th are the processor's ticks,
    /// of which Linux has 100 a second.
    private static func processorSeconds(of process: pid_t) -> Double {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[end...].split(separator: " ")
        return fields.count > 13 ? ((Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)) / 100 : 0
    }

    private static func lostCatalog(_ pipeline: Pipeline, _ rows: [[String: String]]) async throws {
        let folder = pipeline.data.appending(path: "catalog")
        for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
            try? FileManager.default.removeItem(at: folder.appending(path: name))
        }
        for command in [["run", "--for", "1s"], ["batch", "--once"], ["query", "SELECT 1"], ["verify"]] {
            #expect(try await pipeline.expect(69, command).contains("pregao catalog rebuild"), "\(command)")
        }
        try await pipeline.expect(0, ["catalog", "rebuild"])
        #expect(try await pipeline.rows("SELECT count(*)::VARCHAR AS n FROM lake.raw.quotes") == rows)
    }
}
