import Batch
import EventLog
import Foundation
import Lake
import MarketData
import Runtime
import Warehouse

@testable import Verification

/// Log, raw, backup, catalog and refined tables of a few quotes, in a folder; each stage's work is done by a call.
final class SmallPipeline: Sendable {
    let folder: String
    let log: any EventLog
    let raw: LocalObjectStore
    let backup: LocalObjectStore
    let catalog: Catalog
    let engine: DuckDB
    let models: Models
    private let logger = Logger(component: "test", sink: { _ in })

    /// - Parameter altering: has the log be otherwise.
    init(folder: String, altering: @Sendable (inout AlteredLog) -> Void = { _ in }) async throws {
        self.folder = folder
        let clock = SystemWallClock()
        var log = AlteredLog(try await SQLiteEventLog.open(at: "\(folder)/log/pregao.sqlite", clock: clock))
        altering(&log)
        self.log = log
        raw = LocalObjectStore(root: "\(folder)/lake")
        backup = LocalObjectStore(root: "\(folder)/backup")
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        engine = DuckDB(location: try .discover(currentFolder: package.path), threads: 1)
        models = try Models.bundled()
        catalog = Catalog(
            folder: "\(folder)/catalog", engine: engine, clock: clock, logger: logger, metrics: Metrics())
    }

    /// Opens the pipeline in `folder`, and closes its log whatever `body` does.
    static func with<Result: Sendable>(
        _ folder: String, isolation: isolated (any Actor)? = #isolation,
        altering: @Sendable (inout AlteredLog) -> Void = { _ in }, _ body: (SmallPipeline) async throws -> Result
    ) async throws -> Result {
        let pipeline = try await SmallPipeline(folder: folder, altering: altering)
        do {
            let result = try await body(pipeline)
            await pipeline.log.close()
            return result
        } catch {
            await pipeline.log.close()
            throw error
        }
    }

    /// Makes the topics and the catalog.
    func prepare() async throws {
        let kept = Retention(.delete(age: nil, bytes: nil))
        for topic in Datasets.all.map(\.topic) + [Announcement.topic] {
            try await log.declare(TopicDeclaration(name: topic, partitions: 2, retention: kept))
        }
        for topic in [DeadLetter.topic, "pregao.poll-slots"] {
            try await log.declare(TopicDeclaration(name: topic, partitions: 1, retention: kept))
        }
        try await catalog.open(datasets: Datasets.all, create: true)
        try await catalog.declare(models.declarations)
    }

    /// - Parameter models: those of the program that verifies; nil for the bundled ones.
    func verify(
        _ scope: VerificationScope = VerificationScope(full: true, deep: true), models: Models? = nil
    ) async throws -> VerificationReport {
        try await Verifier(
            log: log, catalog: catalog, raw: raw, backup: backup, refined: LocalObjectStore(root: folder),
            engine: engine, models: models ?? self.models,
            readRefined: { path in FileManager.default.contents(atPath: path).map { Array($0) } },
            clock: SystemWallClock()
        ).verify(scope)
    }

    // MARK: - The flusher's work

    /// Encodes what was appended since, a partition an object, and announces it.
    ///
    /// - Parameters:
    ///   - dropping: an offset whose message is lost before it is encoded.
    ///   - callingItRejected: says that it was rejected, without a dead letter.
    ///   - announcing: false leaves the announcement out.
    @discardableResult
    func flush(dropping: Offset? = nil, callingItRejected: Bool = false, announcing: Bool = true) async throws
        -> [Announcement]
    {
        let committed = try await log.committed(group: "pregao.flusher")
        var batch = CommitBatch(advances: [], appends: [])
        var announcements: [Announcement] = []
        for dataset in Datasets.all {
            for (partition, marks) in try await log.watermarks(of: dataset.topic).sorted(by: { $0.key < $1.key }) {
                let start = committed[partition] ?? 0
                guard marks.end > start else { continue }
                var made = try await encode(partition, of: dataset, start..<marks.end, dropping: dropping)
                if callingItRejected { made.announcement = made.announcement.withOneMoreRejected }
                announcements.append(made.announcement)
                batch.advances.append(.init(partition: partition, start: start, end: marks.end))
                if announcing { batch.appends.append(message(of: made.announcement)) }
                batch.appends += made.letters
            }
        }
        try await commit(batch, group: "pregao.flusher", topics: Datasets.all.map(\.topic))
        return announcements
    }

    /// Puts an object over the range.
    func encode(_ partition: TopicPartition, of dataset: Dataset, _ range: Range<Offset>, dropping: Offset? = nil)
        async throws -> (announcement: Announcement, letters: [OutgoingMessage])
    {
        var encoder = RawFileEncoder(dataset: dataset, version: dataset.version, partition: partition.partition)
        var letters: [OutgoingMessage] = []
        let records = try await log.read(
            partition, from: range.lowerBound, to: range.upperBound, maximumBytes: 1 << 30)
        for record in records.records where record.offset != dropping {
            let verdict = records.withValue(of: record) { encoder.append($0, offset: record.offset) }
            if case .rejected(let reason, let detail) = verdict {
                let letter = DeadLetter(
                    topic: partition.topic, partition: partition.partition, offset: record.offset, epoch: log.epoch,
                    timestamp: record.timestamp, reason: reason.rawValue, detail: detail,
                    content: .inline(key: nil, value: records.value(of: record), headers: []))
                letters.append(OutgoingMessage(topic: DeadLetter.topic, key: nil, value: letter.json()))
            }
        }
        let file = try encoder.finish(range: range, topic: partition.topic, epoch: log.epoch)
        let name = RawObjectName(
            dataset: dataset.name, day: Day(daysSinceEpoch: 20_000), topic: partition.topic, epoch: log.epoch,
            partition: partition.partition, start: range.lowerBound, end: range.upperBound, sha256: file.sha256)
        try await raw.put(file.bytes, at: name.key)
        let announcement = Announcement(
            bucket: raw.bucket, key: name.key, size: Int64(file.bytes.count), sha256: file.sha256,
            dataset: dataset.name, schemaVersion: file.schemaVersion, epoch: log.epoch, topic: partition.topic,
            partition: partition.partition, start: range.lowerBound, end: range.upperBound, rows: file.rows,
            rejected: Int64(letters.count), emptyReason: file.rows > 0 ? nil : "all-rejected", days: file.days,
            announcedAt: SystemWallClock().now())
        return (announcement, letters)
    }

    func message(of announcement: Announcement) -> OutgoingMessage {
        OutgoingMessage(
            topic: Announcement.topic, key: Array("\(announcement.topic)/\(announcement.partition)".utf8),
            value: announcement.json())
    }

    // MARK: - The archiver's work

    /// Copies and registers what was announced since.
    ///
    /// - Parameters:
    ///   - only: of this dataset alone, as when another's announcements wait; without committing.
    ///   - committing: false is an archiver that dies between registering and committing.
    func archive(only: Dataset? = nil, committing: Bool = true) async throws {
        let committed = try await log.committed(group: "pregao.archiver")
        var batch = CommitBatch(advances: [], appends: [])
        for (partition, marks) in try await log.watermarks(of: Announcement.topic) {
            let start = committed[partition] ?? 0
            guard marks.end > start else { continue }
            let records = try await log.read(partition, from: start, to: marks.end, maximumBytes: 1 << 30)
            for value in records.records.compactMap({ records.value(of: $0) }) {
                for announcement in try Announcement.parse(value)
                where announcement.dataset == only?.name ?? announcement.dataset {
                    try await archive(announcement, message: value)
                }
            }
            batch.advances.append(.init(partition: partition, start: start, end: marks.end))
        }
        if committing, only == nil { try await commit(batch, group: "pregao.archiver", topics: [Announcement.topic]) }
    }

    private func archive(_ announcement: Announcement, message: [UInt8]) async throws {
        try await backup.put(try await raw.read(announcement.key), at: announcement.key)
        try await backup.put(message, at: announcement.key + ".json")
        let location = raw.location(of: announcement.key)
        let outcomes = try await catalog.register([Registration(announcement: announcement, location: location)])
        guard outcomes == [.registered] || outcomes == [.already] else { throw Unexpected("\(outcomes)") }
    }

    // MARK: - The batch's work

    func refine(models: Models? = nil) async throws {
        let batch = Batch(
            settings: BatchSettings(folder: folder), models: models ?? self.models, catalog: catalog, engine: engine,
            logger: logger, metrics: Metrics())
        for report in try await batch.runOnce() where !report.isPublished { throw Unexpected("\(report)") }
    }

    // MARK: - By hand

    /// Changes the catalog as nobody should.
    func edit(_ sql: String) async throws {
        _ = try await engine.run(catalog.attachScript(readOnly: false) + "\n" + sql)
    }

    private func commit(_ batch: CommitBatch, group: String, topics: [String]) async throws {
        guard !batch.advances.isEmpty else { return }
        let consumer = try await log.join(group: group, instance: "test", topics: topics)
        do {
            var assigned: Set<TopicPartition> = []
            while !assigned.isSuperset(of: batch.advances.map(\.partition)) {
                // A cancelled consumer no longer waits for what is assigned.
                try Task.checkCancellation()
                if case .assigned(let partitions) = try await consumer.next(waitingAtMost: .seconds(5)) {
                    assigned.formUnion(partitions.keys)
                }
            }
            _ = try await consumer.commit(batch)
            await consumer.leave()
        } catch {
            await consumer.leave()
            throw error
        }
    }

    struct Unexpected: Error {
        let words: String

        init(_ words: String) { self.words = words }
    }
}

extension Announcement {
    fileprivate var withOneMoreRejected: Announcement {
        Announcement(
            bucket: bucket, key: key, size: size, sha256: sha256, dataset: dataset, schemaVersion: schemaVersion,
            epoch: epoch, topic: topic, partition: partition, start: start, end: end, rows: rows,
            rejected: rejected + 1, emptyReason: emptyReason, days: days, announcedAt: announcedAt)
    }
}
