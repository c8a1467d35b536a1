import Foundation
import JSON
import Synchronization
import Testing

@testable import Warehouse

@Suite("DuckDB's program", .serialized, .timeLimit(.minutes(5)))
struct EngineTests {
    private let engine: DuckDB

    init() throws { engine = DuckDB(location: try .discover()) }

    @Test("the rows of every answer come back in order, nothing rounded")
    func rows() async throws {
        let rows = try await engine.run(
            "SELECT 1 AS n, 'é\n\"' AS t; SELECT 1.5::DECIMAL(38,18) AS d, NULL AS x, 9223372036854775807 AS big;")
        #expect(rows.map(\.names) == [["n", "t"], ["d", "x", "big"]])
        #expect(rows[0].text("t") == "é\n\"")
        #expect(rows[1].text("d") == "1.500000000000000000")
        #expect(rows[1]["x"] == .null)
        #expect(rows[1].integer("big") == .max)
    }

    @Test("sessions run in UTC")
    func utc() async throws {
        let rows = try await engine.run("SELECT TIMESTAMPTZ '2026-01-01 00:00:00+02' AS t")
        #expect(rows[0].text("t") == "2025-12-31 22:00:00+00")
    }

    @Test(
        "wrong SQL is a typed error in the engine's own words",
        arguments: ["SELECT nope", "SELECT 'unterminated", "SELEC 1", "SELECT error('it is wrong')"])
    func wrongSQL(sql: String) async throws {
        let error = await #expect(throws: CatalogError.self) { _ = try await engine.run(sql) }
        #expect(error?.kind == .sql)
    }

    @Test("a script cannot give the program commands", arguments: [".shell true", "SELECT 1;\n  .exit", ".read x"])
    func commands(script: String) async throws {
        let error = await #expect(throws: CatalogError.self) { _ = try await engine.run(script) }
        #expect(error?.kind == .sql)
    }

    @Test("an engine that is killed is an error of the engine")
    func killed() async throws {
        let error = await #expect(throws: CatalogError.self) {
            _ = try await onThread { handle throws(CatalogError) in
                var session = try EngineSession(engine, doing: "test", handle: handle)
                kill(session.processID, SIGKILL)
                return try session.run("SELECT 1")
            }
        }
        #expect(error?.kind == .engine)
    }

    @Test("a cancelled caller's process is ended")
    func cancelled() async throws {
        let task = Task { try await engine.run("SELECT count(*) FROM range(1000000000000) a(x) WHERE x % 7 = 1") }
        task.cancel()
        await #expect(throws: CatalogError.self) { _ = try await task.value }
    }

    @Test(
        "texts are quoted so that they mean themselves",
        arguments: ["", "'", "';DROP TABLE x;--", "\\", "a\nb", "\"", ".exit", "a\0b", "日本", "\u{1}", ";\n.exit\n"])
    func quoting(text: String) async throws {
        let rows = try await onThread { handle throws(CatalogError) in
            var session = try EngineSession(engine, doing: "test", handle: handle)
            return try session.run("SELECT \(SQL.literal(text)) AS t, 1 AS \(SQL.identifier("c" + text))")
        }
        #expect(rows[0].text("t") == text)
        #expect(rows[0].names.last == "c" + text.filter { $0 != "\0" })
    }

    @Test(
        "a streamed answer is written as it is asked for, and nothing else",
        arguments: [
            (DuckDB.Format.csv, "n,t\n1,\"a,b\"\n2,\n"), (.json, "[{\"n\":1,\"t\":\"a,b\"},\n{\"n\":2,\"t\":null}]\n"),
        ])
    func streams(format: DuckDB.Format, expected: String) async throws {
        let written = Mutex<[UInt8]>([])
        try await engine.stream(
            "SELECT * FROM (VALUES (1, 'a,b'), (2, NULL)) v(n, t)", setup: "CREATE TABLE s(a INT);", format: format
        ) { line in written.withLock { $0 += line } }
        #expect(String(decoding: written.withLock { $0 }, as: UTF8.self) == expected)
    }

    @Test("a streamed query that is wrong is a typed error")
    func streamsWrong() async throws {
        let error = await #expect(throws: CatalogError.self) {
            try await engine.stream("SELECT nope", format: .table) { _ in }
        }
        #expect(error?.kind == .sql)
    }

    @Test("where an answer cannot be written on, the engine ends and the writer's error is told")
    func streamsNowhere() async throws {
        let refusal = CatalogError(.unavailable, doing: "write", cause: "no space")
        let error = await #expect(throws: CatalogError.self) {
            try await engine.stream("SELECT * FROM range(100000000)", format: .csv) { _ throws(CatalogError) in
                throw refusal
            }
        }
        #expect(error?.cause == refusal.cause)
    }

    @Test("the program is where the setting says, then the environment; a place that has none is named")
    func discovery() throws {
        let found = try DuckDB.Location.discover()
        let named = [DuckDB.Location.environmentVariable: found.executable]
        #expect(try DuckDB.Location.discover(environment: named, program: "/", currentFolder: "/") == found)
        let error = #expect(throws: CatalogError.self) {
            try DuckDB.Location.discover(setting: "/nowhere/duckdb", environment: named)
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.cause.contains("/nowhere/duckdb") == true)
    }
}
