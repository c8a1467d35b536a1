import Foundation

/// `pregao`, as it was built.
enum BuiltProgram {
    struct Ended {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs a command on a data folder.
    ///
    /// - Parameter waypoint: where the program dies, as `PREGAO_WAYPOINT` says it.
    static func run(_ arguments: [String], _ data: String, waypoint: String? = nil) async throws -> Ended {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = Process()
        process.executableURL = try program(in: package)
        process.arguments = arguments + ["-s", "data=\(data)"]
        process.environment = [
            "PREGAO_DUCKDB": package.appending(path: ".deps/duckdb/duckdb").path, "PATH": "/usr/bin:/bin",
        ]
        if let waypoint { process.environment?["PREGAO_WAYPOINT"] = waypoint }
        process.currentDirectoryURL = URL(filePath: data)
        let outputs = ["out", "err"].map { URL(filePath: "\(data)/program.\($0)") }
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
    private static func program(in package: URL) throws -> URL {
        let tests = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let beside = tests.deletingLastPathComponent().appending(path: "pregao")
        if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
        return package.appending(path: ".build/debug/pregao")
    }
}
