import Foundation

/// A broker of a test's own, which may be killed and frozen.
///
/// PREGAO_TEST_KAFKA_TOOL names the script that starts it, PREGAO_TEST_KAFKA_FOLDER the folder that it goes below; what
/// is left running there, scripts/test stops.
public final class TestBroker: Sendable {
    public struct Fault: Error, CustomStringConvertible {
        public let description: String
    }

    public static let tool = ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA_TOOL"].map {
        URL(filePath: $0)
    }
    private static let tests =
        ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA_FOLDER"].map { URL(filePath: $0) }
        ?? FileManager.default.temporaryDirectory

    public let folder: URL
    /// Free when it was chosen, and so is the next.
    public let port: Int

    /// host:port of its plain listener.
    public var address: String { "127.0.0.1:\(port)" }

    /// Starts a broker of one node.
    ///
    /// - Parameter properties: of the broker, beyond the script's own.
    public static func start(_ properties: [String: String] = [:]) async throws -> TestBroker {
        // Another may take the port before the broker does.
        for _ in 0..<3 {
            let broker = TestBroker()
            do {
                try await broker.start(properties)
                return broker
            } catch {
                await broker.remove()
                print("a broker did not start on port \(broker.port): \(error)")
            }
        }
        throw Fault(description: "no broker starts")
    }

    private init() {
        folder = Self.tests.appending(path: "kafka-\(UUID().uuidString)")
        port = Int.random(in: 10_000..<16_000) * 2
    }

    /// Starts it again, as it was.
    public func start() async throws { try await start([:]) }

    private func start(_ properties: [String: String]) async throws {
        let added = properties.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
        try await run(["start", folder.path, String(port)], ["KAFKA_PROPERTIES": added, "KAFKA_HEAP": "320m"])
    }

    public func stop() async throws { try await run(["stop", folder.path]) }

    public func kill() async throws { try await run(["kill", folder.path]) }

    public func freeze() throws { try signal(SIGSTOP) }

    public func thaw() throws { try signal(SIGCONT) }

    private func signal(_ number: Int32) throws {
        let text = try String(contentsOf: folder.appending(path: "pid"), encoding: .utf8)
        guard let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Fault(description: "no process is in \(folder.path)/pid")
        }
        Foundation.kill(process, number)
    }

    /// Runs one of Kafka's command-line tools.
    public func tool(_ name: String, _ arguments: [String]) async throws { try await run(["tool", name] + arguments) }

    public func remove() async {
        try? await kill()
        try? FileManager.default.removeItem(at: folder)
    }

    private func run(_ arguments: [String], _ environment: [String: String] = [:]) async throws {
        guard let tool = Self.tool else { throw Fault(description: "PREGAO_TEST_KAFKA_TOOL is not set") }
        let process = Process()
        process.executableURL = tool
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let complaints = FileManager.default.temporaryDirectory.appending(path: "kafka-\(UUID().uuidString).err")
        try Data().write(to: complaints)
        defer { try? FileManager.default.removeItem(at: complaints) }
        process.standardError = try FileHandle(forWritingTo: complaints)
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status == 0 else {
            let words = (try? String(contentsOf: complaints, encoding: .utf8)) ?? ""
            throw Fault(description: "kafka \(arguments.joined(separator: " ")) ended with \(status): \(words)")
        }
    }
}
