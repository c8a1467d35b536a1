import Foundation

/// This program again, as a process of its own that does one thing and says its figures on standard output.
final class Worker {
    private let process = Process()
    private let output = Pipe()
    private let input = Pipe()

    init(_ words: [String]) throws {
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = words
        process.standardOutput = output
        process.standardInput = input
        try process.run()
    }

    /// Asks it to finish: it reads its input to the end.
    func stop() throws { try input.fileHandleForWriting.close() }

    /// Waits for its end.
    func figures() throws -> Figures {
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchmarkFault("\(process.arguments?.first ?? "") ended with \(process.terminationStatus)")
        }
        return try JSONDecoder().decode(Figures.self, from: answer)
    }
}

struct BenchmarkFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
