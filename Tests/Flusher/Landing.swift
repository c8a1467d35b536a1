import EventLog
import Foundation
import JSON
import Lake
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Flusher

/// A real log and a real store of a test's own, what was appended, and what the flushers made of it.
final class Landing: Sendable {
    static let source = "pregao.prices"

    let folder: URL
    let store: LocalObjectStore
    private let appended = Mutex<[LogPosition: [UInt8]?]>([:])

    /// Runs `body` with the topics declared, and removes everything afterwards.
    static func with(
        partitions: Int32 = 2, retention: Retention.Cleanup = .delete(age: nil, bytes: nil),
        _ body: (Landing) async throws -> Void
    ) async throws {
        let landing = Landing()
        defer { try? FileManager.default.removeItem(at: landing.folder) }
        let log = try await landing.openLog()
        let keepAll = Retention(.delete(age: nil, bytes: nil))
        try await log.declare(
            TopicDeclaration(name: source, partitions: partitions, retention: Retention(retention)))
        for topic in [Announcement.topic, DeadLetter.topic] {
            try await log.declare(TopicDeclaration(name: topic, partitions: 2, retention: keepAll))
        }
        await log.close()
        try await body(landing)
    }

    private init() {
        folder = FileManager.default.temporaryDirectory.appending(path: "pregao-flusher-\(UUID().uuidString)")
        store = LocalObjectStore(root: folder.appending(path: "lake").path)
    }

    func openLog(leaseClock: any LeaseClock = BootLeaseClock(), clock: any WallClock = SystemWallClock())
        async throws -> SQLiteEventLog
    {
        var settings = SQLiteLogSettings()
        // Several batches of records from few messages.
        settings.fetchBytes = 2000
        return try await SQLiteEventLog.open(
            at: folder.appending(path: "log.sqlite").path, settings: settings, clock: clock,
            leaseClock: leaseClock)
    }

    /// Appends messages, spread over the partitions by their keys.
    func append(_ values: [[UInt8]?], clock: any WallClock = SystemWallClock()) async throws {
        let log = try await openLog(clock: clock)
        let messages = values.enumerated().map { index, value in
            OutgoingMessage(topic: Self.source, key: Array("key-\(index)".utf8), value: value)
        }
        let positions = try await log.append(messages)
        appended.withLock { for (position, value) in zip(positions, values) { $0[position] = .some(value) } }
        await log.close()
    }

    func appendPrices(_ numbers: Range<Int>, version: Int = 2, clock: any WallClock = SystemWallClock()) async throws {
        try await append(numbers.map { priceMessage($0, version: version) }, clock: clock)
    }

    var count: Int { appended.withLock { $0.count } }

    // MARK: Running

    /// One life of a flusher's process.
    struct Life {
        var instance = "a"
        var trigger = BatchTrigger(interval: .zero, messages: 7)
        var memoryLimit = 8 << 20
        var dataset = pricesDataset
        var fault: any Fault = NoFault()
        var leaseClock: any LeaseClock = BootLeaseClock()
        var clock: any WallClock = SystemWallClock()
        var lines: (@Sendable (String) -> Void)?
        var metrics = Metrics()
        var readiness = Readiness()
        var shutdown = Shutdown()
        /// Told of each pause instead of making it.
        var onPause: @Sendable (Duration) async -> Void = { _ in await Task.yield() }
    }

    /// Runs a flusher until `isEnough` of the group's positions, or until its process dies.
    ///
    /// - Returns: the error that it ended with, if any.
    @discardableResult
    func live(_ life: Life = Life(), until isEnough: @escaping @Sendable ([TopicPartition: Offset]) -> Bool)
        async throws -> (any Error)?
    {
        let real = try await openLog(leaseClock: life.leaseClock)
        let positions = Mutex(try await real.committed(group: "pregao.flusher"))
        let shutdown = life.shutdown
        if isEnough(positions.withLock { $0 }) { shutdown.request() }
        let log = FaultyLog(real: real, fault: life.fault) { batch in
            let isEnough = positions.withLock { positions in
                for advance in batch.advances { positions[advance.partition] = advance.end }
                return isEnough(positions)
            }
            if isEnough { shutdown.request() }
        }
        let lines = life.lines
        let settings = FlusherSettings(
            instance: life.instance, trigger: life.trigger, memoryLimit: life.memoryLimit,
            deadLetterInlineLimit: 1000)
        let flusher = Flusher(
            settings: settings, datasets: [life.dataset], log: log,
            store: FaultyStore(real: store, fault: life.fault), clock: life.clock,
            logger: Logger(component: "flusher") { lines?($0) }, metrics: life.metrics, readiness: life.readiness,
            sleeper: { [onPause = life.onPause] duration, _ in await onPause(duration) })
        var failure: (any Error)?
        do { try await flusher.run(until: shutdown) } catch { failure = error }
        await real.close()
        return failure
    }

    /// Runs a flusher until it has committed everything that was appended.
    @discardableResult
    func liveUntilAllIsCommitted(_ life: Life = Life()) async throws -> (any Error)? {
        let count = Int64(count)
        return try await live(life) { $0.values.reduce(0, +) >= count }
    }

    // MARK: Looking

    func announcements() async throws -> [Announcement] {
        try await values(of: Announcement.topic).flatMap { try Announcement.parse($0) }
            .sorted { ($0.partition, $0.start) < ($1.partition, $1.start) }
    }

    func deadLetters() async throws -> [DeadLetter] {
        try await values(of: DeadLetter.topic).map { try DeadLetter.parse($0) }
            .sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
    }

    private func values(of topic: String) async throws -> [[UInt8]] {
        let log = try await openLog()
        var values: [[UInt8]] = []
        for (partition, marks) in try await log.watermarks(of: topic) {
            var position = marks.start
            while position < marks.end {
                let batch = try await log.read(partition, from: position, to: marks.end, maximumBytes: 1 << 20)
                values += batch.records.compactMap { batch.value(of: $0) }
                position = batch.nextOffset
            }
        }
        await log.close()
        return values
    }

    func committed() async throws -> [TopicPartition: Offset] {
        let log = try await openLog()
        defer { Task { await log.close() } }
        return try await log.committed(group: "pregao.flusher")
    }

    func objects(below prefix: String = "raw/") async throws -> [String] {
        try await store.list(prefix: prefix, after: nil, limit: 10_000).map(\.key)
    }

    /// Every message appended is in exactly one announced object or one dead letter, byte for byte where it was put;
    /// the ranges tile what the group has committed; each object is there as announced.
    func expectEverythingLandedOnce(_ location: SourceLocation = #_sourceLocation) async throws {
        let announcements = try await announcements()
        for (partition, end) in try await committed() {
            let ranges = announcements.filter { $0.partition == partition.partition }.map { $0.start..<$0.end }
            #expect(ranges.first?.lowerBound == 0, "\(partition) tiles from 0", sourceLocation: location)
            #expect(ranges.last?.upperBound == end, "\(partition) tiles to \(end)", sourceLocation: location)
            for (left, right) in zip(ranges, ranges.dropFirst()) {
                #expect(left.upperBound == right.lowerBound, "\(partition)", sourceLocation: location)
            }
        }
        for announcement in announcements {
            let bytes = try await store.read(announcement.key)
            #expect(Int64(bytes.count) == announcement.size, sourceLocation: location)
            #expect(SHA256.hexadecimal(of: bytes) == announcement.sha256, sourceLocation: location)
            #expect(
                announcement.rows + announcement.rejected == announcement.end - announcement.start,
                sourceLocation: location)
        }
        let rejected = Set(try await deadLetters().map { At(partition: $0.partition, offset: $0.offset) })
        let letters = try await deadLetters().count
        #expect(letters == rejected.count, "a dead letter came twice", sourceLocation: location)
        let expected = appended.withLock { appended in
            Dictionary(
                uniqueKeysWithValues: appended.compactMap { position, value in
                    price(in: value).map {
                        (At(partition: position.partition.partition, offset: position.offset), $0)
                    }
                })
        }
        let rows = try await rows(of: announcements.map(\.key))
        #expect(rows.count == expected.count, sourceLocation: location)
        #expect(
            Dictionary(rows.map { ($0.at, $0.price) }) { first, _ in first } == expected, sourceLocation: location)
        #expect(rejected.isDisjoint(with: expected.keys), sourceLocation: location)
        #expect(rejected.count + expected.count == count, sourceLocation: location)
    }

    struct At: Hashable {
        let partition: Int32
        let offset: Int64
    }

    private func price(in value: [UInt8]?) -> String? {
        let text = String(decoding: value ?? [], as: UTF8.self)
        guard let match = text.firstMatch(of: /"price":"([0-9.]+)"/) else { return nil }
        return String(match.1)
    }

    /// The rows of raw objects, as DuckDB reads them.
    private func rows(of keys: [String]) async throws -> [(at: At, price: String)] {
        guard !keys.isEmpty else { return [] }
        let files = keys.map { "'\(store.location(of: $0))'" }.joined(separator: ",")
        let text = try await DuckDB.json(
            """
            SELECT _partition::VARCHAR AS partition, _offset::VARCHAR AS position, rtrim(price::VARCHAR, '0') AS price
            FROM read_parquet([\(files)], union_by_name = true)
            """)
        let rows = try JSONDecoder().decode([[String: String]].self, from: text)
        return try rows.map { row in
            let at = At(
                partition: try #require(Int32(row["partition"] ?? "")),
                offset: try #require(Int64(row["position"] ?? "")))
            return (at, try #require(row["price"]))
        }
    }
}

/// Another reader of Parquet: DuckDB's command-line program.
enum DuckDB {
    private static let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../.deps/duckdb/duckdb").standardizedFileURL

    static func json(_ sql: String) async throws -> Data {
        let process = Process()
        let output = Pipe()
        process.executableURL = program
        process.arguments = ["-json", "-c", sql]
        process.standardOutput = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        // Without rows DuckDB prints an empty array in words of its own.
        return text.contains(UInt8(ascii: "{")) ? text : Data("[]".utf8)
    }
}
