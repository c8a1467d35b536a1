import Foundation
import Lake
import Synchronization

/// A local S3 server, `s3_server.py`, which fails on demand. It ends with this process.
public final class S3Server: Sendable {
    /// One for all tests of this process: it takes some seconds to start.
    private static let starting = Task { try await onThread { try S3Server() } }

    public static func shared() async throws -> S3Server { try await starting.value }

    public let port: Int
    public let processID: pid_t
    private let pipes: Mutex<(input: FileHandle, output: FileHandle)>

    private init() throws {
        // A server that has died is a test's failure, and not this process's end.
        signal(SIGPIPE, SIG_IGN)
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", folder.appending(path: "s3_server.py").path]
        let packages = folder.deletingLastPathComponent().deletingLastPathComponent().appending(path: ".deps/tests")
        process.environment = ProcessInfo.processInfo.environment.merging([
            "PYTHONPATH": packages.path, "PYTHONDONTWRITEBYTECODE": "1",
        ]) { $1 }
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        processID = process.processIdentifier
        pipes = Mutex((input.fileHandleForWriting, output.fileHandleForReading))
        let first = pipes.withLock { Self.line(from: $0.output) }
        guard let port = Int(String(decoding: first, as: UTF8.self)) else {
            throw ServerFault("the S3 server does not start; 'make setup-tests' installs what it needs")
        }
        self.port = port
    }

    public var endpoint: String { "http://127.0.0.1:\(port)" }

    /// Has it answer nobody, connections being taken and left alone, until ``answer()``.
    public func fallSilent() { kill(processID, SIGSTOP) }

    public func answer() { kill(processID, SIGCONT) }

    /// A bucket of its own for a test.
    public func bucket(_ name: String = "test-\(UUID().uuidString.lowercased())") async throws -> Bucket {
        let bucket = Bucket(server: self, name: name)
        _ = try await ask(Command(bucket: name, do: "make"), Bool.self)
        return bucket
    }

    /// A bucket of its own in a server of Google Cloud Storage's, which has no faults. Everybody may use its objects, and
    /// nobody may ask for the bucket itself.
    public func googleBucket(_ name: String = "test-\(UUID().uuidString.lowercased())") async throws
        -> RemoteStoreSettings
    {
        let port = try await ask(Command(bucket: name, do: "make-google"), Int.self)
        return RemoteStoreSettings(
            address: try StoreAddress("gs://\(name)/lake"), endpoint: "http://127.0.0.1:\(port)")
    }

    struct Command: Encodable {
        let bucket: String
        let `do`: String
        var faults: [S3Fault]?
        var prefix: String?
        var count: Int?
        var key: String?
    }

    func ask<Answer: Decodable & Sendable>(_ command: Command, _: Answer.Type) async throws -> Answer {
        try await onThread { [self] in
            let line = try JSONEncoder().encode(command) + [UInt8(ascii: "\n")]
            let answer = try pipes.withLock { pipes in
                try pipes.input.write(contentsOf: line)
                return Self.line(from: pipes.output)
            }
            return try JSONDecoder().decode(Answer.self, from: answer)
        }
    }

    private static func line(from handle: FileHandle) -> Data {
        var line = Data()
        while let byte = try? handle.read(upToCount: 1), byte != Data([UInt8(ascii: "\n")]), !byte.isEmpty {
            line += byte
        }
        return line
    }
}

/// What an S3 server does in place of what it was asked.
public struct S3Fault: Encodable, Sendable {
    private var method: String?
    private var key: String?
    private var query: String?
    private var times: Int?
    private let `do`: String
    private var status: Int?
    private var code: String?
    private var seconds: Double?
    private var bytes: Int?
    private var accessKey: String?

    private enum CodingKeys: String, CodingKey {
        case method, key, query, times, `do`, status, code, seconds, bytes
        case accessKey = "access_key"
    }

    private init(_ what: String) { self.do = what }

    public static func status(_ status: Int, _ code: String) -> S3Fault {
        var fault = S3Fault("status")
        (fault.status, fault.code) = (status, code)
        return fault
    }

    /// Every request that is not signed by this access key is refused.
    public static func refusingAll(but accessKey: String) -> S3Fault {
        var fault = S3Fault("refuse-key")
        fault.accessKey = accessKey
        return fault
    }

    public static func slow(seconds: Double) -> S3Fault {
        var fault = S3Fault("slow")
        fault.seconds = seconds
        return fault
    }

    /// The connection is cut once so much of the body has come.
    public static func cutRequest(after bytes: Int) -> S3Fault {
        var fault = S3Fault("cut-request")
        fault.bytes = bytes
        return fault
    }

    /// The connection is cut in the middle of the answer.
    public static let cutAnswer = S3Fault("cut-answer")

    /// What was asked is done, and the connection cut before the answer.
    public static let loseAnswer = S3Fault("lose-answer")

    /// Only for requests whose method it is and whose key and query have these parts, and only so many times.
    public func on(_ method: String? = nil, key: String? = nil, query: String? = nil, times: Int? = nil) -> S3Fault {
        var fault = self
        (fault.method, fault.key, fault.query, fault.times) = (method, key, query, times)
        return fault
    }
}

/// A bucket of the server's, and what its owner sees.
public struct Bucket: Sendable {
    let server: S3Server
    public let name: String

    public func spoil(_ faults: [S3Fault]) async throws {
        _ = try await server.ask(.init(bucket: name, do: "spoil", faults: faults), Bool.self)
    }

    /// Makes so many objects of one byte: the prefix, then `00000` and so on.
    public func fill(_ prefix: String, count: Int) async throws {
        _ = try await server.ask(.init(bucket: name, do: "fill", prefix: prefix, count: count), Bool.self)
    }

    public func remove(_ key: String) async throws {
        _ = try await server.ask(.init(bucket: name, do: "remove", key: key), Bool.self)
    }

    /// Every object's size by its key.
    public func objects() async throws -> [String: Int] {
        try await server.ask(.init(bucket: name, do: "objects"), [String: Int].self)
    }

    /// The keys of uploads in parts that were neither finished nor given up.
    public func uploads() async throws -> [String] {
        try await server.ask(.init(bucket: name, do: "uploads"), [String].self)
    }

    /// `METHOD key?query` of each since it was last asked.
    public func requests() async throws -> [String] {
        try await server.ask(.init(bucket: name, do: "requests"), [String].self)
    }

    public static let accessKey = "AKIATESTS"
    public static let secretKey = "very+secret/of-the-tests"

    /// How to reach it, with patience for a slow machine.
    public func settings(prefix: String = "") throws -> RemoteStoreSettings {
        RemoteStoreSettings(
            address: try StoreAddress("s3://\(name)/\(prefix)"), endpoint: server.endpoint, region: "us-east-1",
            accessKey: Self.accessKey, secretKey: Self.secretKey, connectTimeout: .seconds(5),
            requestTimeout: .seconds(20))
    }
}

/// Why a test could not go on.
struct ServerFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Runs what blocks on a thread of its own.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
