import Foundation

/// The built program at a prompt: a folder of its own, and command lines run in it to their end.
final class Prompt {
    struct Answer {
        let code: Int32
        let output: String
        let complaints: String
    }

    let folder: URL
    private var runs = 0

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "pregao-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Runs `pregao` with these words.
    func pregao(_ words: String..., environment: [String: String] = [:]) async throws -> Answer {
        try await bash(#"exec pregao "$@""#, words, environment: environment)
    }

    /// Runs `pregao` with these words.
    func pregao(words: [String]) async throws -> Answer { try await bash(#"exec pregao "$@""#, words) }

    /// Runs a script; `pregao` and `duckdb` are on PATH, and what it leaves running ends with it.
    func bash(
        _ script: String, _ words: [String] = [], environment: [String: String] = [:],
        within limit: Duration = .seconds(150)
    ) async throws -> Answer {
        runs += 1
        let complaints = folder.appending(path: ".\(runs).err")
        let output = folder.appending(path: ".\(runs).out")
        let path = [
            BuiltProgram.pregao.deletingLastPathComponent().path, BuiltProgram.duckdb.deletingLastPathComponent().path,
            ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
        ].joined(separator: ":")
        let child = try ChildProcess(
            name: words.joined(separator: " "), URL(filePath: "/bin/bash"),
            ["-euo", "pipefail", "-c", "cd \"$0\"; exec 2> '\(complaints.path)'\n" + script, folder.path] + words,
            environment: environment.merging(["PATH": path]) { $1 }, output: output)
        do { try await eventually("the end of \(script)", within: limit) { child.ending != nil } } catch {
            child.signalGroup(SIGKILL)
            throw HarnessFault("\(error)\n\(child.lastLines())")
        }
        let read = { (file: URL) in try String(contentsOf: file, encoding: .utf8) }
        switch child.ending {
        case .exited(let code):
            return Answer(code: code, output: try read(output), complaints: try read(complaints))
        case let other: throw HarnessFault("\(script): \(other.map { "\($0)" } ?? "lives")")
        }
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }
}
