import Foundation
import JSON
import Testing

/// What another reader sees in a Parquet file: DuckDB, by its command line.
enum DuckDB {
    private static let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../.deps/duckdb/duckdb").standardizedFileURL

    /// The query's rows as JSON objects; `FILE` in it stands for the bytes' file.
    static func query(_ sql: String, on bytes: [UInt8]) async throws -> [JSONValue] {
        try await withTemporaryFolder { folder in
            let file = folder.appending(path: "a.parquet")
            try Data(bytes).write(to: file)
            let process = Process()
            let output = Pipe()
            process.executableURL = program
            process.arguments = [
                "-json", "-c", "SET TimeZone='UTC'; " + sql.replacing("FILE", with: "'\(file.path)'"),
            ]
            process.standardOutput = output
            try process.run()
            let text = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            // Without rows DuckDB prints an empty array in words of its own.
            guard text.contains(UInt8(ascii: "{")) else { return [] }
            return try JSONDocument(parsing: [UInt8](text)).root.array ?? []
        }
    }
}
