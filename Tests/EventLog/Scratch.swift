import Foundation
import MarketData
import Runtime
import Synchronization

@testable import EventLog

/// A folder for one test, and clocks that stand still until the test moves them.
final class Scratch: Sendable {
    let folder: URL
    let wallClock = StandingWallClock()
    let leaseClock = StandingLeaseClock()

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "pregao-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var path: String { folder.appending(path: "log.sqlite").path }

    /// Opens the log as one more process would, with one topic `numbers` of `partitions`.
    ///
    /// - Parameter heartbeat: an hour makes the process as good as frozen: its leases are never renewed.
    func open(
        partitions: Int32 = 1, heartbeat: Duration = .milliseconds(10), retention: Retention.Cleanup = .keepAll,
        _ adjust: (inout SQLiteLogSettings) -> Void = { _ in }
    ) async throws -> SQLiteEventLog {
        var settings = SQLiteLogSettings()
        settings.heartbeat = heartbeat
        settings.watch = .milliseconds(5)
        adjust(&settings)
        let log = try await SQLiteEventLog.open(
            at: path, settings: settings, clock: wallClock, leaseClock: leaseClock)
        try await log.declare(
            TopicDeclaration(name: "numbers", partitions: partitions, retention: Retention(retention)))
        return log
    }

    /// Copies the log's files as they are now, as they would be found after the process or the machine died.
    ///
    /// Another program copies: were this process to close the file, SQLite's locks on it would be gone.
    func copyAsIfCrashed() throws -> Scratch {
        let copy = try Scratch()
        try run("/bin/cp", ["-a", folder.path + "/.", copy.folder.path])
        return copy
    }

    func overwrite(at offset: UInt64, with bytes: [UInt8], file: String? = nil) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file ?? path))
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }
}

struct ProgramFailed: Error { let status: Int32 }

func run(_ program: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw ProgramFailed(status: process.terminationStatus) }
}

final class StandingWallClock: WallClock {
    private let time = Mutex(Instant(microseconds: 1_800_000_000_000_000))

    func now() -> Instant { time.withLock { $0 } }

    func jump(seconds: Int64) { time.withLock { $0 = $0.adding(microseconds: seconds * 1_000_000) } }
}

final class StandingLeaseClock: LeaseClock {
    private let time = Mutex(LeaseTime(boot: "first boot", microseconds: 1_000_000))

    func now() -> LeaseTime { time.withLock { $0 } }

    func pass(seconds: Int64) {
        time.withLock { $0 = LeaseTime(boot: $0.boot, microseconds: $0.microseconds + seconds * 1_000_000) }
    }

    func reboot() { time.withLock { $0 = LeaseTime(boot: "second boot", microseconds: 1_000_000) } }
}

extension Retention.Cleanup {
    static let keepAll = Retention.Cleanup.delete(age: nil, bytes: nil)
}

func message(_ number: Int, bytes: Int = 0) -> OutgoingMessage {
    let digits = Array(String(number).utf8)
    let padding = [UInt8](repeating: UInt8(ascii: " "), count: max(0, bytes - digits.count))
    return OutgoingMessage(topic: "numbers", key: nil, value: digits + padding)
}

func partition(_ number: Int32) -> TopicPartition { TopicPartition(topic: "numbers", partition: number) }

extension CommitBatch {
    init(from start: Offset, to end: Offset, appends: [OutgoingMessage] = []) {
        self.init(advances: [Advance(partition: partition(0), start: start, end: end)], appends: appends)
    }
}

extension EventLog {
    /// The numbers in partition 0.
    func numbers() async throws -> [Int] {
        var numbers: [Int] = []
        var position: Offset = 0
        while true {
            let batch = try await read(partition(0), from: position, to: .max, maximumBytes: 1 << 20)
            if batch.records.isEmpty { return numbers }
            numbers += batch.records.compactMap { record in
                let digits = batch.value(of: record)?.prefix { $0 != UInt8(ascii: " ") }
                return digits.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
            }
            position = batch.nextOffset
        }
    }
}

extension GroupConsumer {
    /// Takes events until one is what `match` wants, and gives what it makes of it.
    func until<Found>(_ match: (ConsumerEvent) -> Found?) async throws -> Found {
        while true {
            try Task.checkCancellation()
            guard let event = try await next(waitingAtMost: .seconds(30)) else { continue }
            if let found = match(event) { return found }
        }
    }

    func untilAssigned() async throws -> [TopicPartition: Offset] {
        try await until { event in
            if case .assigned(let positions) = event { positions } else { nil }
        }
    }

    func untilLost() async throws -> Set<TopicPartition> {
        try await until { event in
            if case .lost(let partitions) = event { partitions } else { nil }
        }
    }
}
