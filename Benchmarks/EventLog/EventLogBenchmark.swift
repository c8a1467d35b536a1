import EventLog
import Foundation
import MarketData
import Runtime

/// Appends of 186-byte messages to the embedded log, against bare batched inserts with the same durability; then what a
/// consumer reads. `taskset -c 0` gives both the one core that the goal is about.
@main
struct EventLogBenchmark {
    /// At least this share of the bare loop's rate.
    static let goal = 0.7
    static let key = Array("BTC-USD".utf8)
    static let value = [UInt8](repeating: UInt8(ascii: "x"), count: 186)

    static func main() async throws {
        let seconds = CommandLine.arguments.dropFirst().first.flatMap { Double($0) } ?? 1
        let rounds = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 5
        let folder = FileManager.default.temporaryDirectory.appending(path: "pregao-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }

        print(
            "messages of \(value.count) bytes, \(rounds) paired rounds of \(seconds) s for each, after one to warm up")
        var isMet = true
        for batch in [1, 10, 100, 1000, 10_000] {
            var ours: [Speed] = []
            var bare: [Speed] = []
            for round in 0...rounds {
                let place = folder.appending(path: "\(batch)-\(round)").path
                // Who goes first changes, so that neither always finds the warmer machine.
                if round % 2 == 0 { ours.append(try await appendToLog(batch, for: seconds, at: place + ".log")) }
                bare.append(insertBare(batch, for: seconds, at: place + ".bare"))
                if round % 2 == 1 { ours.append(try await appendToLog(batch, for: seconds, at: place + ".log")) }
            }
            let ratios = zip(ours, bare).dropFirst().map { $0.perSecond / $1.perSecond }
            let cost = zip(ours, bare).dropFirst().map { $0.perProcessorSecond / $1.perProcessorSecond }
            isMet = isMet && median(ratios) >= goal
            print(
                """
                append \(batch) at once: \(rate(ours)), bare \(rate(bare))
                  ratio \(rounded(median(ratios))) (\(ratios.sorted().map(rounded).joined(separator: " ")))
                  by processor time \(rounded(median(cost)))
                """)
        }
        print("at least \(goal): \(isMet ? "met" : "missed")")
        try await measureJoinedAppends(at: folder.appending(path: "joined.log").path, for: seconds)
        try await measureReading(at: folder.appending(path: "read.log").path)
    }

    private static func open(_ path: String) async throws -> SQLiteEventLog {
        let log = try await SQLiteEventLog.open(at: path, clock: SystemWallClock())
        try await log.declare(
            TopicDeclaration(name: "quotes", partitions: 1, retention: Retention(.delete(age: nil, bytes: nil))))
        return log
    }

    private static var message: OutgoingMessage { OutgoingMessage(topic: "quotes", key: key, value: value) }

    private static func appendToLog(_ batch: Int, for seconds: Double, at path: String) async throws -> Speed {
        let log = try await open(path)
        let messages = Array(repeating: message, count: batch)
        var count = 0
        let watch = Stopwatch()
        while watch.seconds < seconds { count += try await log.append(messages).count }
        let speed = watch.speed(of: count)
        await log.close()
        return speed
    }

    private static func insertBare(_ batch: Int, for seconds: Double, at path: String) -> Speed {
        var table = BareInserts(path: path, checkpointBytes: SQLiteLogSettings().checkpointBytes)
        var count = 0
        let watch = Stopwatch()
        while watch.seconds < seconds {
            table.append(batch, key: key, value: value)
            count += batch
        }
        return watch.speed(of: count)
    }

    /// Many callers that each append one message: what sharing a sync is worth.
    private static func measureJoinedAppends(at path: String, for seconds: Double) async throws {
        let log = try await open(path)
        let watch = Stopwatch()
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<64 {
                group.addTask {
                    var count = 0
                    while watch.seconds < seconds { count += try await log.append([message]).count }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        print(
            "append 1 at once by 64 callers: \(rate([watch.speed(of: count)]))")
        await log.close()
    }

    private static func measureReading(at path: String) async throws {
        let log = try await open(path)
        let total = 1_000_000
        let messages = Array(repeating: message, count: 10_000)
        for _ in 0..<total / messages.count { _ = try await log.append(messages) }
        let consumer = try await log.join(group: "readers", instance: "a", topics: ["quotes"])
        var count = 0
        let watch = Stopwatch()
        while count < total {
            if case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(1)) {
                count += batch.records.count
            }
        }
        print("consume: \(rate([watch.speed(of: count)]))")
        await log.close()
    }

    private static func rate(_ speeds: [Speed]) -> String { "\(Int(median(speeds.map(\.perSecond)))) messages/s" }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// Messages a second, and a second of processor time, which other programs on the machine disturb less.
struct Speed {
    let perSecond: Double
    let perProcessorSecond: Double
}

struct Stopwatch {
    private let start = ContinuousClock.now
    private let processorStart = Self.processorSeconds()

    var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

    func speed(of count: Int) -> Speed {
        Speed(
            perSecond: Double(count) / seconds,
            perProcessorSecond: Double(count) / (Self.processorSeconds() - processorStart))
    }

    /// Of all threads of this process, the kernel's work for them too.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
