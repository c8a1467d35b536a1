import EventLog
import Foundation
import JSON
import Lake
import Testing
import Warehouse

extension VerificationSuite {
    /// The built program's `pregao verify`.
    @Suite("pregao verify", .timeLimit(.minutes(10)))
    struct VerifyCommandTests {
        @Test(
            "exits with 0 where nothing is wrong, else with 1, and names the fault in its table and in its JSON lines")
        func exitCodes() async throws {
            try await Template.shared.use { pipeline in
                let proven = try await run(["--full", "--deep"], pipeline.folder)
                #expect(proven.status == 0, "\(proven)")
                #expect(proven.output.contains("proven up to the cut, but for: 3 rejected (dead letters)\n"))

                let key = try await pipeline.firstQuotes().announcement.key
                try Files.remove(pipeline.backup.location(of: key))
                let found = try await run([], pipeline.folder)
                #expect(found.status == 1, "\(found)")
                let line = found.output.split(separator: "\n").first { $0.contains(key) }
                #expect(line?.hasPrefix("backup ") == true && line?.contains("missing") == true, "\(found.output)")

                let lines = try await run(["--json"], pipeline.folder)
                #expect(lines.status == 1)
                let objects = try lines.output.split(separator: "\n").map {
                    try JSONDocument(parsing: Array($0.utf8)).root
                }
                let byType = Dictionary(grouping: objects) { $0["type"]?.string ?? "?" }
                #expect(byType.mapValues(\.count) == ["check": 9, "count": 5, "fault": 1])
                #expect(byType["fault"]?.first?["check"]?.string == "backup")
                #expect(byType["fault"]?.first?["place"]?.string == key)
            }
        }

        @Test("without a catalog, or without a log, says so and exits with 69")
        func nothingToVerify() async throws {
            try await withTemporaryFolder { folder in
                let nothing = try await run([], folder)
                #expect(nothing.status == 69)
                #expect(nothing.errors.contains("catalog"))
            }
            try await Template.shared.use { pipeline in
                await pipeline.log.close()
                try Files.remove("\(pipeline.folder)/log")
                let noLog = try await run([], pipeline.folder)
                #expect(noLog.status == 69)
                #expect(noLog.errors.contains("log"))
            }
        }

        private func run(_ arguments: [String], _ data: String) async throws -> BuiltProgram.Ended {
            try await BuiltProgram.run(["verify"] + arguments, data)
        }
    }
}
