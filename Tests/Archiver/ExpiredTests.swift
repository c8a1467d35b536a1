import Foundation
import Lake
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

@testable import Archiver

@Suite("Objects that have expired", .serialized, .timeLimit(.minutes(5)))
struct ExpiredTests {
    private static let limits = ExpirationLimits(
        compactedUntil: Instant.plausible.upperBound, lastDay: Day(daysSinceEpoch: 30_000))

    /// Archives three objects, and has the first two expire into a compacted file.
    private func expired(_ archive: Archive) async throws -> (objects: [PreparedObject], file: CompactedFile) {
        let objects = [try PreparedObject(0..<10), try PreparedObject(10..<20), try PreparedObject(20..<30)]
        for object in objects { try await archive.land(object) }
        try await archive.liveUntilAllIsDone()
        let catalog = try await archive.catalog()
        let inputs = objects.prefix(2)
        let key = "compacted/prices/dt=2026-11-21/0123456789abcdef-0123456789abcdef.parquet"
        let temporary = archive.folder.appending(path: "compacted.parquet").path
        let sources = inputs.map { SQL.literal(archive.raw.location(of: $0.key)) }.joined(separator: ", ")
        _ = try await catalog.engine.run(
            """
            COPY (SELECT * FROM read_parquet([\(sources)], hive_partitioning = false)) TO \(SQL.literal(temporary))
            (FORMAT parquet)
            """)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: temporary)))
        try await archive.raw.put(bytes, at: key)
        let file = CompactedFile(
            key: key, location: archive.raw.location(of: key), dataset: "prices",
            day: try #require(Day("2026-11-21")), rows: 20, size: Int64(bytes.count),
            sha256: SHA256.hexadecimal(of: bytes), inputs: inputs.map(\.key).sorted())
        #expect(try await catalog.compact(file) == .swapped)
        let record = ExpirationRecord(of: file)
        try await archive.backup.put(record.json(), at: record.key)
        #expect(try await catalog.expire(file, Self.limits) == .expired)
        for object in inputs { try await archive.raw.remove(object.key) }
        return (objects, file)
    }

    private func rebuild(_ archive: Archive) async throws -> Rebuild.Report {
        let catalog = Catalog(
            folder: archive.catalogFolder, engine: DuckDB(location: try .discover()),
            logger: Logger(component: "test", sink: { _ in }), metrics: Metrics())
        return try await Rebuild(
            backup: archive.backup, raw: archive.raw, catalog: catalog, datasets: [pricesDataset]
        ).run()
    }

    @Test("A rebuilt catalog reads the compacted file that backup's ledger names, and restores none of its objects")
    func rebuilds() async throws {
        try await Archive.with { archive in
            let (objects, file) = try await expired(archive)
            let (rows, ledger) = (try await archive.rawRows(), try await archive.catalog().objects(limit: 10))
            try FileManager.default.removeItem(atPath: archive.catalogFolder)
            let report = try await rebuild(archive)
            #expect(report.catalog.registered == 3 && report.catalog.expired == 2)
            #expect(report.restored.isEmpty && report.faults.isEmpty && report.catalog.rejected.isEmpty)
            let catalog = try await archive.catalog()
            #expect(try await archive.rawRows() == rows)
            #expect(try await catalog.objects(limit: 10).map(\.announcement) == ledger.map(\.announcement))
            #expect(try await catalog.objects(limit: 10).map(\.expiredInto) == ledger.map(\.expiredInto))
            #expect(try await catalog.expirations().map(\.file) == [file])
            #expect(try await archive.raw.size(of: objects[0].key) == nil)
        }
    }

    enum Loss: CaseIterable { case fileMissing, fileAltered, recordMissing, announcementMissing }

    @Test("Where the file or what is known of it is lost, the objects come back from backup", arguments: Loss.allCases)
    func restores(_ loss: Loss) async throws {
        try await Archive.with { archive in
            let (objects, file) = try await expired(archive)
            let rows = try await archive.rawRows()
            switch loss {
            case .fileMissing: try await archive.raw.remove(file.key)
            case .fileAltered:
                var bytes = try await archive.raw.read(file.key)
                bytes[bytes.count / 2] ^= 1
                try await archive.raw.remove(file.key)
                try await archive.raw.put(bytes, at: file.key)
            case .recordMissing: try await archive.backup.remove(ExpirationRecord(of: file).key)
            case .announcementMissing: try await archive.backup.remove(objects[0].key + ".json")
            }
            let report = try await rebuild(archive)
            #expect(report.catalog.expired == 0 && report.catalog.rejected.isEmpty)
            if loss == .announcementMissing {
                // The first range is unknown; of the file's rows those of the other are read by themselves.
                #expect(report.restored == [objects[1].key])
                #expect(try await archive.rawRows() == (10..<30).map { "0:\($0)" })
            } else {
                #expect(report.restored.sorted() == file.inputs)
                #expect(try await archive.rawRows() == rows)
            }
            #expect(try await archive.catalog().expirations().isEmpty)
        }
    }

    @Test("A record that is none is a fault; one of a file whose objects another has is passed over")
    func strangeRecords() async throws {
        try await Archive.with { archive in
            let (_, file) = try await expired(archive)
            let rows = try await archive.rawRows()
            try await archive.backup.put(Array("{}".utf8), at: "ledger/expired/by-hand.json")
            let other = CompactedFile(
                key: file.key.replacing("0123456789abcdef-", with: "fedcba9876543210-"), location: "",
                dataset: file.dataset, day: file.day, rows: file.rows, size: file.size, sha256: file.sha256,
                inputs: file.inputs)
            try await archive.raw.put(try await archive.raw.read(file.key), at: other.key)
            try await archive.backup.put(ExpirationRecord(of: other).json(), at: ExpirationRecord(of: other).key)
            let report = try await rebuild(archive)
            #expect(report.faults.map(\.key) == ["ledger/expired/by-hand.json"])
            #expect(report.catalog.expired == 2 && report.catalog.rejected.isEmpty)
            #expect(try await archive.catalog().expirations().map(\.file) == [file])
            #expect(try await archive.rawRows() == rows)
        }
    }

    @Test("Restore leaves them out, and mends their backups' ledger the other way")
    func restore() async throws {
        try await Archive.with { archive in
            let (objects, file) = try await expired(archive)
            let restore = Restore(raw: archive.raw, backup: archive.backup, catalog: try await archive.catalog())
            for full in [false, true] {
                let report = try await restore.run(full: full)
                #expect(report.restored.isEmpty && report.failed.isEmpty)
                #expect(report.expired == 2 && report.examined == 3)
            }
            // One that has not is restored as ever.
            try await archive.raw.remove(objects[2].key)
            #expect(try await restore.run(full: false).restored == [objects[2].key])
            let key = ExpirationRecord(of: file).key
            for content in [nil, "{"] as [String?] {
                try await archive.backup.remove(key)
                if let content { try await archive.backup.put(Array(content.utf8), at: key) }
                #expect(try await restore.run(.backupFromRaw, full: true).announcementsWritten == [key])
                #expect(try await archive.backup.read(key) == ExpirationRecord(of: file).json())
            }
            // A backup that is lost now is lost.
            try await archive.backup.remove(objects[0].key)
            #expect(try await restore.run(.backupFromRaw, full: false).failed.map(\.key) == [objects[0].key])
        }
    }

    @Test("One that is announced again is as registered as before, and nobody is called to help")
    func announcedAgain() async throws {
        try await Archive.with { archive in
            let (objects, _) = try await expired(archive)
            try await archive.announce([objects[0]])
            let errors = Mutex(0)
            var life = Archive.Life()
            life.lines = { line in if line.contains("level=error") { errors.withLock { $0 += 1 } } }
            try await archive.liveUntilAllIsDone(life)
            #expect(errors.withLock { $0 } == 0)
            #expect(try await archive.statuses().values.allSatisfy { $0 == .registered })
            #expect(try await archive.deadLetters().isEmpty)
            #expect(try await archive.rawRows() == (0..<30).map { "0:\($0)" })
        }
    }
}
