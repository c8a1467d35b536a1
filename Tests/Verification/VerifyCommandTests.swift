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
                #expect(proven.output.contains("proven: nothing is missing, nothing is twice"))

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
                #expect(byType.mapValues(\.count) == ["check": 9, "count": 4, "fault": 1])
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

        private struct Ended {
            let status: Int32
            let output: String
            let errors: String
        }

        private func run(_ arguments: [String], _ data: String) async throws -> Ended {
            let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let process = Process()
            process.executableURL = try program(in: package)
            process.arguments = ["verify"] + arguments + ["-s", "data=\(data)"]
            process.environment = [
                "PREGAO_DUCKDB": package.appending(path: ".deps/duckdb/duckdb").path, "PATH": "/usr/bin:/bin",
            ]
            process.currentDirectoryURL = URL(filePath: data)
            let outputs = ["out", "err"].map { URL(filePath: "\(data)/verify.\($0)") }
            for output in outputs { try Data().write(to: output) }
            process.standardOutput = try FileHandle(forWritingTo: outputs[0])
            process.standardError = try FileHandle(forWritingTo: outputs[1])
            let status = try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                do { try process.run() } catch { continuation.resume(throwing: error) }
            }
            let texts = try outputs.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
            return Ended(status: status, output: texts[0], errors: texts[1])
        }

        /// Beside the test bundle.
        private func program(in package: URL) throws -> URL {
            let tests = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            let beside = tests.deletingLastPathComponent().appending(path: "pregao")
            if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
            return package.appending(path: ".build/debug/pregao")
        }
    }
}
