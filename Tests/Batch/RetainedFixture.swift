import Foundation
import Lake
import MarketData
import Runtime
import Testing
import Warehouse

@testable import Batch

/// A pipeline with a computed and compacted day of three objects, in raw and in backup.
final class RetainedFixture {
    let pipeline: PipelineFixture

    init() async throws {
        pipeline = try await PipelineFixture()
        try await register(3)
        _ = try await pipeline.batch().runOnce()
        try await compact()
    }

    /// Registers so many objects of two quotes each.
    func register(_ count: Int, from second: Int = 0) async throws {
        for number in 0..<count {
            try await pipeline.register(
                [
                    .init(symbol: "ETH-USD", second: second + number, price: "2.5"),
                    .init(symbol: "BTC-USD", second: second + number, price: "\(100 + number)"),
                ], isArchived: true)
        }
    }

    /// Does the body for each, every time with folder and clock as they are now: to make them takes seconds.
    func forEach<Element>(_ elements: [Element], _ body: (Element) async throws -> Void) async throws {
        let (path, kept, now) = (pipeline.folder.path, pipeline.folder.path + ".kept", pipeline.clock.now())
        try FileManager.default.copyItem(atPath: path, toPath: kept)
        defer { try? FileManager.default.removeItem(atPath: kept) }
        for element in elements {
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.copyItem(atPath: kept, toPath: path)
            pipeline.clock.set(now)
            try await body(element)
        }
    }

    func compact() async throws {
        let compactor = Compactor(
            catalog: pipeline.catalog, engine: pipeline.engine, store: pipeline.raw, folder: pipeline.folder.path,
            clock: pipeline.clock)
        for day in try await compactor.due() { _ = await compactor.compact(day) }
    }

    func retention(grace: Duration = .seconds(86_400)) -> RawRetention {
        RawRetention(
            catalog: pipeline.catalog, engine: pipeline.engine, raw: pipeline.raw, backup: pipeline.backup,
            settings: RetentionSettings(age: .seconds(30 * 86_400), grace: grace), clock: pipeline.clock)
    }

    /// As the retention has them now.
    var limits: ExpirationLimits {
        ExpirationLimits(
            compactedUntil: pipeline.clock.now().adding(microseconds: -30 * 86_400_000_000),
            lastDay: pipeline.clock.now().utcDay.adding(days: -1))
    }

    func pass(days: Int) {
        pipeline.clock.set(pipeline.clock.now().adding(microseconds: Int64(days) * 86_400_000_000))
    }

    /// Does what is due, and requires that all of it is done.
    func expire() async throws {
        for due in try await retention().due() {
            let outcome = await retention().apply(due).outcome
            #expect(outcome == .done)
        }
    }

    /// How many raw objects of the ledger are in raw.
    func objectsLeft() async throws -> Int {
        var count = 0
        for object in try await pipeline.catalog.objects(limit: 100)
        where try await pipeline.raw.size(of: object.announcement.key) != nil {
            count += 1
        }
        return count
    }

    /// Computes the day again, though nothing has changed.
    func computeAgain() async throws {
        let reports = try await pipeline.batch().runOnce(days: [Samples.day], force: true)
        #expect(reports.count == 2 && reports.allSatisfy { $0.isPublished }, "\(reports)")
    }

    private static let tables = ["quotes_1m", "quotes_daily"]

    private func saved(_ table: String) -> String { "\(pipeline.folder.path)/\(table).saved.parquet" }

    /// Keeps the refined tables' rows to compare others with.
    func save() async throws {
        for table in Self.tables {
            _ = try await pipeline.catalog.rows(
                "COPY (SELECT * FROM lake.refined.\(table)) TO '\(saved(table))' (FORMAT parquet);")
        }
    }

    /// How many rows of the refined tables differ from those that were saved, `EXCEPT ALL` both ways.
    func differences() async throws -> Int {
        var count = 0
        for table in Self.tables {
            let (now, then) = ("lake.refined.\(table)", "read_parquet('\(saved(table))')")
            #expect(try await !pipeline.rows("SELECT 'one' AS line FROM \(then)").isEmpty)
            for (one, other) in [(now, then), (then, now)] {
                let rows = try await pipeline.rows(
                    "SELECT t::VARCHAR AS line FROM (SELECT * FROM \(one) EXCEPT ALL SELECT * FROM \(other)) t")
                count += rows.count
            }
        }
        return count
    }
}

/// Something that keeps raw objects where they are.
struct Trouble: Sendable, CustomTestStringConvertible {
    let name: String
    /// What the reason says.
    let words: String
    /// How many objects are in raw then.
    var left = 3
    let make: @Sendable (RetainedFixture) async throws -> Void

    var testDescription: String { name }

    init(
        _ name: String, _ words: String, left: Int = 3, make: @escaping @Sendable (RetainedFixture) async throws -> Void
    ) {
        self.name = name
        self.words = words
        self.left = left
        self.make = make
    }

    static let beforeExpiring =
        always + [
            Trouble("an original is missing", "raw does not have", left: 2) {
                try await $0.pipeline.raw.remove(try await $0.object.key)
            },
            Trouble("an original is altered", "raw does not have") {
                try await $0.alter(try await $0.object.key, in: $0.pipeline.raw)
            },
            Trouble("the compacted file has other rows", "other rows") { try await $0.forgeFile() },
            Trouble("raw and backup are one store", "one store") {
                let raw = URL(fileURLWithPath: $0.pipeline.raw.root)
                try FileManager.default.removeItem(atPath: $0.pipeline.backup.root)
                // The announcements too.
                try await $0.writeAnnouncementsInRaw()
                try FileManager.default.createSymbolicLink(
                    at: URL(fileURLWithPath: $0.pipeline.backup.root), withDestinationURL: raw)
            },
            Trouble("a day is not published", "has not published") {
                try await $0.edit("DELETE FROM lake.pregao.publications WHERE model = 'refined.quotes_1m';")
            },
            Trouble("it was compacted too short a time ago", "") { $0.pass(days: -1) },
        ]

    static let beforeRemoving =
        always + [
            Trouble("the record is missing", "backup lacks ledger/expired/") {
                try await $0.pipeline.backup.remove(ExpirationRecord(of: try await $0.file).key)
            }
        ]

    private static let always = [
        Trouble("a backup is missing", "backup does not have raw/") {
            try await $0.pipeline.backup.remove(try await $0.object.key)
        },
        Trouble("a backup is altered", "backup does not have raw/") {
            try await $0.alter(try await $0.object.key, in: $0.pipeline.backup)
        },
        Trouble("an announcement is missing", "backup does not have the announcement") {
            try await $0.pipeline.backup.remove(try await $0.object.key + ".json")
        },
        Trouble("an announcement is another object's", "backup does not have the announcement") {
            let key = try await $0.object.key + ".json"
            let other = try await $0.pipeline.catalog.objects(limit: 2)[1].announcement
            try await $0.pipeline.backup.remove(key)
            try await $0.pipeline.backup.put(other.json(), at: key)
        },
        Trouble("the compacted file is missing", "the compacted file is missing") {
            try await $0.pipeline.raw.remove(try await $0.file.key)
        },
        Trouble("the compacted file is altered", "the compacted file is not what was written") {
            try await $0.alter(try await $0.file.key, in: $0.pipeline.raw)
        },
        Trouble("a day is dirty", "refined.quotes_daily is dirty") {
            try await $0.pipeline.catalog.markDirty(model: "refined.quotes_daily", days: [Samples.day])
        },
        Trouble("a day has failed", "refined.quotes_daily has failed") {
            try await $0.pipeline.catalog.recordFailure(
                model: "refined.quotes_daily", day: Samples.day, reason: "a check")
        },
        Trouble("an object of the day is refused", "is refused") {
            let it = try await $0.pipeline.catalog.objects(limit: 10)[2].announcement
            let refused = Announcement(
                bucket: it.bucket, key: it.key.replacing("-0-", with: "-1-"), size: it.size, sha256: it.sha256,
                dataset: it.dataset, schemaVersion: it.schemaVersion, epoch: it.epoch, topic: it.topic, partition: 1,
                start: it.start, end: it.end, rows: it.rows, rejected: 0, emptyReason: nil, days: it.days,
                announcedAt: it.announcedAt)
            _ = try await $0.pipeline.catalog.refuse(refused, reason: "absent")
        },
    ]
}

extension RetainedFixture {
    var object: Announcement {
        get async throws { try #require(try await pipeline.catalog.objects(limit: 1).first).announcement }
    }

    var file: CompactedFile {
        get async throws { try #require(try await pipeline.catalog.compactedFiles().first) }
    }

    /// Flips a bit, in place.
    func alter(_ key: String, in store: LocalObjectStore) async throws {
        var bytes = try await store.read(key)
        bytes[bytes.count / 2] ^= 1
        try await store.remove(key)
        try await store.put(bytes, at: key)
    }

    func edit(_ sql: String) async throws {
        _ = try await pipeline.engine.run(pipeline.catalog.attachScript(readOnly: false) + "\n" + sql)
    }

    /// Another file of as many rows in the compacted one's place, of which the catalog says that it was written so.
    func forgeFile() async throws {
        let file = try await file
        let forged = "\(pipeline.folder.path)/forged.parquet"
        _ = try await pipeline.engine.run(
            """
            COPY (SELECT * REPLACE (price + 1 AS price) FROM read_parquet('\(file.location)',
                hive_partitioning = false)) TO '\(forged)' (FORMAT parquet);
            """)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: forged)))
        try await pipeline.raw.remove(file.key)
        try await pipeline.raw.put(bytes, at: file.key)
        try await edit(
            """
            UPDATE lake.pregao.compactions SET size = \(bytes.count), sha256 = '\(SHA256.hexadecimal(of: bytes))'
            WHERE file = '\(file.key)';
            """)
    }

    func writeAnnouncementsInRaw() async throws {
        for object in try await pipeline.catalog.objects(limit: 100) {
            try await pipeline.raw.put(object.announcement.json(), at: object.announcement.key + ".json")
        }
    }
}
