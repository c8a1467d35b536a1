import Foundation
import PostgresTesting
import Runtime
import Testing

/// The whole program with the catalog's metadata in PostgreSQL.
@Suite("With the catalog on PostgreSQL", .serialized, .timeLimit(.minutes(10)))
struct PostgresPipelineTests {
    private static func withCollected(_ body: (Pipeline) async throws -> Void) async throws {
        try await Pipeline.with(Pipeline.Options(catalog: try .onPostgres())) { pipeline in
            try await pipeline.expect(0, ["config", "check"])
            try await pipeline.expect(0, ["run", "--for", "5s"])
            try await pipeline.finishBacklog()
            try await body(pipeline)
        }
    }

    private static let count = "SELECT count(*)::VARCHAR AS n FROM lake.raw.quotes"

    @Test("every command works on it, and a catalog that is rebuilt from backup is proven")
    func commands() async throws {
        try await Self.withCollected { pipeline in
            try await pipeline.expectProven()
            #expect(
                !FileManager.default.fileExists(atPath: pipeline.data.appending(path: "catalog/catalog.sqlite").path))
            let rows = try await pipeline.rows(Self.count)
            #expect((rows.first?["n"]).flatMap { Int($0) } ?? 0 > 50)
            for command in [["status"], ["catalog", "tables"], ["catalog", "attach"], ["sweep"], ["restore"]] {
                try await pipeline.expect(0, command)
            }
            try await pipeline.expect(0, ["catalog", "rebuild"])
            try await pipeline.expectProven()
            #expect(try await pipeline.rows(Self.count) == rows)
        }
    }

    @Test("a catalog that is gone, and objects in backup, is no reason to begin anew")
    func lost() async throws {
        try await Self.withCollected { pipeline in
            let other = ["--set", "catalog.schema=\(PostgresForTests.unusedSchema())"]
            let output = try await pipeline.expect(69, ["run", "--for", "1s"] + other)
            #expect(output.contains("pregao catalog rebuild"))
        }
    }

    @Test("a server that is away ends a command at once, and names the setting; a password is in no output")
    func away() async throws {
        try await Pipeline.with(Pipeline.Options()) { pipeline in
            let uri = "postgresql://pregao:verysecret@127.0.0.1:1/lakes"
            for command in [["run", "--for", "1s"], ["query", "SELECT 1"], ["catalog", "attach"]] {
                let (ending, output) = try await pipeline.run(command + ["--set", "catalog.metadata=\(uri)"])
                #expect(ending == .exited(command[0] == "catalog" ? 0 : 69), "\(output)")
                #expect(command[0] == "catalog" || output.contains("catalog.metadata"), "\(output)")
                #expect(!output.contains("verysecret"))
            }
        }
    }

    @Test("compaction killed at every step leaves each row once, and goes on", arguments: ["sqlite", "postgres"])
    func compactionKilled(metadata: String) async throws {
        let catalog = metadata == "postgres" ? try Pipeline.Options.CatalogPlace.onPostgres() : .files
        try await Pipeline.with(Pipeline.Options(catalog: catalog)) { pipeline in
            try await pipeline.expect(0, ["run", "--for", "5s"])
            try await pipeline.finishBacklog()
            let today = try await pipeline.rows("SELECT strftime(now(), '%Y-%m-%d') AS day")[0]["day"] ?? ""
            let rows = try await pipeline.rows(Self.count)
            let compact = ["compact", "--day", today]
            let steps: [Waypoint] = [.compactionComputed, .compactionPlaced, .catalogBeforeCommit, .compactionSwapped]
            for step in steps {
                try pipeline.start("compact", compact, waypoint: "\(step.rawValue):kill")
                let child = try pipeline.child("compact")
                try await eventually("the end of compact at \(step)") { child.ending != nil }
                #expect(child.ending == .killed(SIGKILL), "\(step): \(child.lastLines())")
                #expect(try await pipeline.rows(Self.count) == rows)
            }
            try await pipeline.expect(0, compact)
            // What nobody announced yet is flushed, archived and compacted apart.
            try await pipeline.expectProven()
            #expect(try await pipeline.rows("SELECT file AS n FROM lake.pregao.compactions").isEmpty == false)
            try await pipeline.expect(0, ["catalog", "rebuild"])
            try await pipeline.expectProven()
            #expect(try await pipeline.rows(Self.count) == rows)
        }
    }
}

extension Pipeline.Options.CatalogPlace {
    /// In a schema of its own.
    static func onPostgres() throws -> Self {
        .settings(["metadata": try PostgresForTests.server().uri, "schema": PostgresForTests.unusedSchema()])
    }
}
