import EventLog
import EventLogTesting
import Foundation
import Lake
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

@testable import Archiver

/// A real log, real stores and a real catalog of a test's own, what was announced, and what the archivers made of it.
final class Archive: Sendable {
    let folder: URL
    let raw: LocalObjectStore
    let backup: LocalObjectStore
    private let own = Mutex<Catalog?>(nil)
    private let sent = Mutex<[LogPosition: [UInt8]?]>([:])

    /// Runs `body` with the topics declared and an empty catalog, and removes everything afterwards.
    static func with(partitions: Int32 = 2, _ body: (Archive) async throws -> Void) async throws {
        let archive = Archive()
        defer { try? FileManager.default.removeItem(at: archive.folder) }
        for root in [archive.raw.root, archive.backup.root] {
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        }
        try await archive.declareTopics(partitions: partitions)
        _ = try await archive.catalog()
        try await body(archive)
    }

    private init() {
        folder = FileManager.default.temporaryDirectory.appending(path: "pregao-archiver-\(UUID().uuidString)")
        raw = LocalObjectStore(root: folder.appending(path: "lake").path)
        backup = LocalObjectStore(root: folder.appending(path: "backup").path)
    }

    private func declareTopics(partitions: Int32) async throws {
        let log = try await openLog()
        let keepAll = Retention(.delete(age: nil, bytes: nil))
        for topic in [Announcement.topic, DeadLetter.topic] {
            try await log.declare(TopicDeclaration(name: topic, partitions: partitions, retention: keepAll))
        }
        await log.close()
    }

    /// - Parameter folder: that of another archive, whose log it is then.
    /// - Parameter fetchBytes: what one read brings at most; nil for as much as the log gives.
    func openLog(leaseClock: any LeaseClock = BootLeaseClock(), folder: URL? = nil, fetchBytes: Int? = nil)
        async throws -> SQLiteEventLog
    {
        var settings = SQLiteLogSettings()
        if let fetchBytes { settings.fetchBytes = fetchBytes }
        return try await SQLiteEventLog.open(
            at: (folder ?? self.folder).appending(path: "log.sqlite").path, settings: settings,
            clock: SystemWallClock(), leaseClock: leaseClock)
    }

    var catalogFolder: String { folder.appending(path: "catalog").path }

    /// The catalog, as the test itself looks at it and as archivers have it that want nothing else.
    func catalog() async throws -> Catalog {
        if let catalog = own.withLock({ $0 }) { return catalog }
        let catalog = try await openCatalog()
        own.withLock { $0 = catalog }
        return catalog
    }

    /// Another instance, as another process has it.
    func openCatalog(
        _ datasets: [Dataset] = [pricesDataset], patience: Patience = Patience(),
        clock: any WallClock = SystemWallClock()
    ) async throws -> Catalog {
        let catalog = Catalog(
            folder: catalogFolder, engine: DuckDB(location: try .discover()), clock: clock,
            logger: Logger(component: "test", sink: { _ in }), metrics: Metrics(), patience: patience)
        try await catalog.open(datasets: datasets, create: true)
        return catalog
    }

    // MARK: Announcing

    /// Puts the objects as flushers do, and announces them.
    func land(_ objects: PreparedObject...) async throws {
        for object in objects { try await raw.put(object.bytes, at: object.key) }
        try await announce(objects)
    }

    /// Announces objects that may not be there.
    func announce(_ objects: [PreparedObject]) async throws {
        for object in objects { try await send(object.message, partition: object.announcement.partition) }
    }

    /// Sends what a flusher of that partition would, or what nobody should.
    @discardableResult
    func send(_ message: [UInt8]?, partition: Int32 = 0) async throws -> LogPosition {
        let key = Array("\(pricesDataset.topic)/\(partition)".utf8)
        let log = try await openLog()
        let outgoing = OutgoingMessage(topic: Announcement.topic, key: key, value: message)
        let position = try #require(try await log.append([outgoing]).first)
        await log.close()
        sent.withLock { $0[position] = .some(message) }
        return position
    }

    var count: Int { sent.withLock { $0.count } }

    // MARK: Running

    /// One life of an archiver's process.
    struct Life {
        var instance = "a"
        var batchCount = 100
        var fault: any Fault = NoFault()
        var datasets = [pricesDataset]
        var leaseClock: any LeaseClock = BootLeaseClock()
        var clock: any WallClock = SystemWallClock()
        /// nil is the archive's own.
        var catalog: Catalog?
        var metrics = Metrics()
        var readiness = Readiness()
        /// What the archiver and its log wait by, with the pauses of a program; nil is the machine's own, and short pauses.
        var time: ManualTime?
        var fetchBytes: Int?
        var shutdown = Shutdown()
        /// The archive whose log is read; nil is this one's own.
        var logFolder: URL?
        var lines: (@Sendable (String) -> Void)?

        /// The life ends with the n-th time that something is held back.
        mutating func endsWhenHeld(times: Int = 1) {
            let left = Mutex(times)
            lines = { [shutdown] line in
                guard line.contains("held back") else { return }
                let isEnough = left.withLock { left in
                    left -= 1
                    return left <= 0
                }
                if isEnough { shutdown.request() }
            }
        }
    }

    /// Runs an archiver until `isEnough` of the group's positions, until its shutdown, or until its process dies.
    ///
    /// - Returns: the error that it ended with, if any.
    @discardableResult
    func live(_ life: Life = Life(), until isEnough: @escaping @Sendable ([TopicPartition: Offset]) -> Bool)
        async throws -> (any Error)?
    {
        let real = try await openLog(
            leaseClock: life.leaseClock, folder: life.logFolder, fetchBytes: life.fetchBytes)
        let positions = Mutex(try await real.committed(group: Archiver.group))
        let shutdown = life.shutdown
        if isEnough(positions.withLock { $0 }) { shutdown.request() }
        let log = FaultyLog(real: real, fault: life.fault, time: life.time) { batch in
            let isEnough = positions.withLock { positions in
                for advance in batch.advances { positions[advance.partition] = advance.end }
                return isEnough(positions)
            }
            if isEnough { shutdown.request() }
        }
        let lines = life.lines
        let catalog = if let catalog = life.catalog { catalog } else { try await self.catalog() }
        var settings = ArchiverSettings(instance: life.instance, batchCount: life.batchCount, window: .zero)
        if life.time == nil { (settings.firstPause, settings.longestPause) = (.milliseconds(1), .milliseconds(5)) }
        let start = ContinuousClock.now
        let archiver = Archiver(
            settings: settings, datasets: life.datasets, log: log,
            raw: FaultyStore(real: raw, isBackup: false, fault: life.fault),
            backup: FaultyStore(real: backup, isBackup: true, fault: life.fault),
            catalog: catalog, clock: life.clock,
            logger: Logger(component: "archiver") { lines?($0) }, metrics: life.metrics, readiness: life.readiness,
            elapsed: { [time = life.time] in time?.now ?? ContinuousClock.now - start })
        var failure: (any Error)?
        do { try await archiver.run(until: shutdown) } catch { failure = error }
        await real.close()
        return failure
    }

    /// Runs an archiver until it has committed everything that was sent.
    @discardableResult
    func liveUntilAllIsDone(_ life: Life = Life()) async throws -> (any Error)? {
        let count = Int64(count)
        return try await live(life) { $0.values.reduce(0, +) >= count }
    }

    // MARK: Looking

    func deadLetters() async throws -> [DeadLetter] {
        let log = try await openLog()
        var letters: [DeadLetter] = []
        for (partition, marks) in try await log.watermarks(of: DeadLetter.topic) where marks.end > 0 {
            let batch = try await log.read(partition, from: 0, to: marks.end, maximumBytes: 64 << 20)
            letters += try batch.records.compactMap { batch.value(of: $0) }.map { try DeadLetter.parse($0) }
        }
        await log.close()
        return letters.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
    }

    /// How many messages the group has passed.
    func done() async throws -> Int64 {
        let log = try await openLog()
        let positions = try await log.committed(group: Archiver.group)
        await log.close()
        return positions.values.reduce(0, +)
    }

    func statuses() async throws -> [String: LedgerStatus] {
        let objects = try await catalog().objects(limit: 1000)
        return Dictionary(uniqueKeysWithValues: objects.map { ($0.announcement.key, $0.status) })
    }

    func backupKeys(below prefix: String) async throws -> [String] {
        try await backup.list(prefix: prefix, after: nil, limit: 10_000).map(\.key)
    }

    /// The rows of the raw table, each as often as it is in it.
    func rawRows() async throws -> [String] {
        let rows = try await catalog().rows(
            "SELECT _partition || ':' || _offset AS at FROM lake.raw.prices ORDER BY _partition, _offset")
        return try rows.map { try #require($0.text("at")) }
    }

    /// Every object of `objects` is registered once, its rows are in the raw table once, and its backup is the same
    /// bytes with the announcement beside it; the messages at `refused` are in the dead letters and the refusals once,
    /// and everything that was sent is committed.
    func expectArchivedOnce(
        _ objects: [PreparedObject], refused: [LogPosition], _ location: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(try await done() == Int64(count), sourceLocation: location)
        let statuses = try await statuses()
        let expectedRows = objects.flatMap { object in
            let it = object.announcement
            return it.rows == 0 ? [] : (it.start..<it.end).map { "\(it.partition):\($0)" }
        }
        #expect(try await rawRows().sorted() == expectedRows.sorted(), sourceLocation: location)
        for object in objects {
            let expected: LedgerStatus = object.announcement.rows == 0 ? .empty : .registered
            #expect(statuses[object.key] == expected, "\(object.key)", sourceLocation: location)
            #expect(try await backup.read(object.key) == object.bytes, sourceLocation: location)
            #expect(try await backup.read(object.key + ".json") == object.message, sourceLocation: location)
        }
        let letters = try await deadLetters()
        let ats = refused.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
        #expect(letters.map(\.partition) == ats.map(\.partition.partition), sourceLocation: location)
        #expect(letters.map(\.offset) == ats.map(\.offset), sourceLocation: location)
        let ledger = try await backupKeys(below: "ledger/refused/")
        #expect(ledger.count == refused.count, sourceLocation: location)
        for (key, letter) in zip(ledger, letters) {
            #expect(try DeadLetter.parse(try await backup.read(key)) == letter, sourceLocation: location)
        }
    }
}
