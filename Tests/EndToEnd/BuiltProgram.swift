import Foundation

/// Where the built program, and what it works with, are.
enum BuiltProgram {
    /// Beside the test bundle: `.build/debug/pregao`.
    static let pregao: URL = {
        let tests = URL(filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
        let beside = tests.deletingLastPathComponent().appending(path: "pregao")
        if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
        return package.appending(path: ".build/debug/pregao")
    }()

    static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// DuckDB's program, for what the tests compute on their own.
    static let duckdb = package.appending(path: ".deps/duckdb/duckdb")

    /// Where `make setup-tests` puts what the tests need from PyPI; for `PYTHONPATH`.
    static let pythonPackages = package.appending(path: ".deps/tests").path
}
