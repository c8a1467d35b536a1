import Foundation
import Testing

/// What a run leaves for those who look, and how it ends.
@Suite("Running", .serialized, .timeLimit(.minutes(5)))
struct RunningTests {
    private func withPipeline(_ body: (Pipeline) async throws -> Void) async throws {
        let pipeline = try Pipeline(Pipeline.Options())
        do { try await body(pipeline) } catch {
            await pipeline.close(keepingFolder: false)
            throw error
        }
        await pipeline.close(keepingFolder: false)
    }

    private func expectProven(_ pipeline: Pipeline) async throws {
        let verify = try await pipeline.run(["verify", "--full", "--deep"])
        #expect(verify.ending == .exited(0), "\(verify.output)")
    }

    @Test("with --json, each line of a table is a JSON object")
    func json() async throws {
        try await withPipeline { pipeline in
            try await pipeline.run(["run", "--for", "5s"])
            let commands = [
                ["status"], ["log", "topics"], ["catalog", "tables"], ["schedule"], ["verify"], ["restore"],
                ["sweep", "--dry-run"], ["batch", "--once"],
            ]
            for command in commands {
                let answer = try await pipeline.run(command + ["--json"])
                #expect(answer.ending == .exited(0), "\(command): \(answer.output)")
                // Progress and summaries share the file here; they are for standard error.
                let rows = answer.output.split(separator: "\n").filter { $0.hasPrefix("{") }
                #expect(
                    !rows.isEmpty || ["restore", "sweep"].contains(command[0]) || command[0] == "batch", "\(command)")
                for row in rows {
                    #expect(try JSONSerialization.jsonObject(with: Data(row.utf8)) is [String: Any], "\(row)")
                }
            }
            let json = try await pipeline.run(["query", "--format", "json", "SELECT 1 AS n, 'a' AS t"])
            #expect(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) is [[String: Any]])
            #expect(try await pipeline.run(["query", "--format", "csv", "SELECT 1 AS n"]).output == "n\n1\n")
            #expect(try await pipeline.run(["query", "SELEC"]).ending == .exited(64))
            #expect(try await pipeline.run(["log", "read", "nope"]).ending == .exited(69))
            try await documentsLedger(pipeline)
        }
    }

    /// docs/ledger.md names every table of the ledger and every column of each.
    private func documentsLedger(_ pipeline: Pipeline) async throws {
        let page = try String(contentsOf: BuiltProgram.package.appending(path: "docs/ledger.md"), encoding: .utf8)
        let columns = try await pipeline.run([
            "query", "--format", "csv",
            """
            SELECT '| ' || column_name || ' | ' || data_type || ' |' AS line, table_name FROM duckdb_columns()
            WHERE database_name = 'lake' AND schema_name = 'pregao'
            """,
        ])
        let lines = columns.output.split(separator: "\n").dropFirst()
        #expect(lines.count > 40)
        for line in lines {
            let parts = line.split(separator: ",").map(String.init)
            let section = page.components(separatedBy: "\n## ").first { $0.hasPrefix("\(parts[1])\n") }
            #expect(section?.contains("\n\(parts[0])") == true, "docs/ledger.md lacks \(parts)")
        }
    }

    @Test("SIGTERM drains and ends with 0, and everything is proven then")
    func drain() async throws {
        try await withPipeline { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(60, whileAlive: ["run"])
            try await pipeline.finish("run")
            let drained = try pipeline.child("run").lastLines(400).split(separator: "\n")
                .filter { $0.contains("stage drained") }.compactMap { $0.split(separator: "=").last }
            #expect(
                drained.filter { ["poller", "flusher", "archiver"].contains($0) } == ["poller", "flusher", "archiver"])
            #expect(Set(drained) == ["poller", "flusher", "archiver", "batch", "console"])
            try await expectProven(pipeline)
        }
    }

    @Test("a second SIGTERM ends at once, and the next run goes on with nothing lost")
    func second() async throws {
        try await withPipeline { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(60, whileAlive: ["run"])
            let run = try pipeline.child("run")
            // Held here, the log takes no writes, so that the first signal's draining cannot end.
            let lock = open(pipeline.data.appending(path: "log/pregao.sqlite.lock").path, O_RDWR)
            try #require(lock >= 0 && flock(lock, LOCK_EX) == 0)
            run.signal(SIGTERM)
            try await eventually("the first signal's words") { run.lastLines(400).contains("once more to end at once") }
            run.signal(SIGTERM)
            try await eventually("the end of run") { run.ending != nil }
            #expect(run.ending == .exited(143), "\(run.lastLines())")
            close(lock)

            try pipeline.start("again", ["run"])
            try await pipeline.answers(60, whileAlive: ["again"])
            try await pipeline.finish("again")
            try await expectProven(pipeline)
        }
    }

    @Test("of two runs on one folder the later ends at once and names the earlier, which goes on")
    func twice() async throws {
        try await withPipeline { pipeline in
            try pipeline.start("earlier", ["run"])
            try await pipeline.answers(30, whileAlive: ["earlier"])
            let later = try await pipeline.run(["run"])
            #expect(later.ending == .exited(75), "\(later.output)")
            #expect(later.output.contains("in process \(try pipeline.child("earlier").processID)"))
            #expect(try await pipeline.run(["flush"]).ending == .exited(75))
            let beside = try await pipeline.run(["flush", "--for", "1s", "--set", "flusher.instance=flusher-2"])
            #expect(beside.ending == .exited(0), "\(beside.output)")
            try await pipeline.answers(30, whileAlive: ["earlier"])
            try await pipeline.finish("earlier")
            try await expectProven(pipeline)
        }
    }
}
