import Foundation

/// A broker of a test's own, which may be killed and frozen.
///
/// PREGAO_TEST_KAFKA_TOOL names the script that starts it, PREGAO_TEST_KAFKA_FOLDER the folder that it goes below; what
/// is left running there, scripts/test stops.
public final class TestBroker: Sendable {
    public struct Fault: Error, CustomStringConvertible {
        public let description: String

        public init(_ description: String) { self.description = description }
    }

    public static let tool = ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA_TOOL"].map {
        URL(filePath: $0)
    }
    private static let tests =
        ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA_FOLDER"].map { URL(filePath: $0) }
        ?? FileManager.default.temporaryDirectory

    public let folder: URL
    /// The first of four.
    public let port: Int

    /// host:port of its plain listener.
    public var address: String { "127.0.0.1:\(port)" }

    /// Starts a broker of one node.
    ///
    /// - Parameter properties: of the broker at this port, lines of a Java properties file beyond the script's own.
    public static func start(_ properties: (_ port: Int) -> [String] = { _ in [] }) async throws -> TestBroker {
        // Another may take the port before the broker does.
        for _ in 0..<3 {
            let broker = TestBroker()
            do {
                try await broker.start(properties(broker.port))
                return broker
            } catch {
                await broker.remove()
                print("a broker did not start on port \(broker.port): \(error)")
            }
        }
        throw Fault("no broker starts")
    }

    private init() {
        folder = Self.tests.appending(path: "kafka-\(UUID().uuidString)")
        port = Int.random(in: 5_000..<8_000) * 4
    }

    /// Starts it again, as it was.
    public func start() async throws { try await start([]) }

    private func start(_ properties: [String]) async throws {
        // The script takes them apart at spaces; Java reads one so escaped.
        let added = properties.map { $0.replacing(" ", with: #"\u0020"#) }.joined(separator: " ")
        try await run(["start", folder.path, String(port)], ["KAFKA_PROPERTIES": added, "KAFKA_HEAP": "320m"])
    }

    public func stop() async throws { try await run(["stop", folder.path]) }

    public func kill() async throws { try await run(["kill", folder.path]) }

    public func freeze() throws { try signal(SIGSTOP) }

    public func thaw() throws { try signal(SIGCONT) }

    private func signal(_ number: Int32) throws {
        let text = try String(contentsOf: folder.appending(path: "pid"), encoding: .utf8)
        guard let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Fault("no process is in \(folder.path)/pid")
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
        guard let tool = Self.tool else { throw Fault("PREGAO_TEST_KAFKA_TOOL is not set") }
        let complaints = FileManager.default.temporaryDirectory.appending(path: "kafka-\(UUID().uuidString).err")
        defer { try? FileManager.default.removeItem(at: complaints) }
        let environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let status = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: Self.status(of: tool.path, arguments, environment, complaints.path))
            }
        }
        guard status == 0 else {
            let words = (try? String(contentsOf: complaints, encoding: .utf8)) ?? ""
            throw Fault("kafka \(arguments.joined(separator: " ")) ended with \(status): \(words)")
        }
    }

    /// Runs a program to its end; Foundation's Process would wait for the broker that it leaves running, too.
    private static func status(
        of path: String, _ arguments: [String], _ environment: [String: String], _ complaints: String
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, complaints, O_WRONLY | O_CREAT, 0o600)
        // A child takes over the signals that its maker's thread blocks, SIGTERM among them.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, &attributes, &words, &variables)
        guard code == 0 else { return code }
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
        return status
    }
}
