import Lake
import Warehouse

/// Copies raw objects that are lost or damaged back from backup, or backups from raw, and checks them.
public struct Restore: Sendable {
    public enum Direction: Sendable {
        case rawFromBackup, backupFromRaw
    }

    public struct Report: Sendable {
        public internal(set) var restored: [String] = []
        /// Announcements and records of what has expired that backup lacked or that could not be read, written from the
        /// ledger.
        public internal(set) var announcementsWritten: [String] = []
        /// What could not be restored, with the reason.
        public internal(set) var failed: [(key: String, reason: String)] = []
        public internal(set) var examined = 0
        /// Objects that raw need not have any more, and that were left out.
        public internal(set) var expired = 0
    }

    private static let pageSize = 1000

    private let raw: any ObjectStore
    private let backup: any ObjectStore
    private let catalog: Catalog

    public init(raw: any ObjectStore, backup: any ObjectStore, catalog: Catalog) {
        self.raw = raw
        self.backup = backup
        self.catalog = catalog
    }

    /// - Parameters:
    ///   - direction: which store is mended; its twin is only read.
    ///   - full: also reads every object and replaces those whose content differs; else only those that are missing or
    ///     of another size.
    ///   - progress: is called with the objects examined and their number.
    /// - Throws: ``CatalogError`` where the ledger cannot be read; a store's faults are in the report.
    public func run(
        _ direction: Direction = .rawFromBackup, full: Bool, progress: (Int, Int) -> Void = { _, _ in }
    ) async throws -> Report {
        let restorer =
            switch direction {
            case .rawFromBackup: ObjectRestorer(source: backup, target: raw)
            case .backupFromRaw: ObjectRestorer(source: raw, target: backup)
            }
        let snapshot = try await catalog.newestSnapshot()
        let total = try await count(snapshot)
        var report = Report()
        var last: String?
        while true {
            let page = try await catalog.objects(after: last, limit: Self.pageSize, snapshot: snapshot)
            for object in page where object.status != .refused {
                let it = object.announcement
                if direction == .rawFromBackup, object.isExpired {
                    report.expired += 1
                } else {
                    await restore(it, by: restorer, full: full, &report)
                }
                if direction == .backupFromRaw { await mendAnnouncement(of: it, &report) }
                report.examined += 1
                progress(report.examined, total)
            }
            guard page.count == Self.pageSize else { break }
            last = page.last?.announcement.key
        }
        if direction == .backupFromRaw {
            for expiration in try await catalog.expirations(snapshot: snapshot) {
                await mendRecord(of: expiration.file, &report)
            }
        }
        return report
    }

    private func restore(
        _ announcement: Announcement, by restorer: ObjectRestorer, full: Bool, _ report: inout Report
    ) async {
        let key = announcement.key
        do throws(StoreError) {
            let isRestored = try await restorer.restore(
                key, size: announcement.size, sha256: announcement.sha256, full: full)
            if isRestored { report.restored.append(key) }
        } catch {
            report.failed.append((key, "\(error)"))
        }
    }

    /// Writes the record of a file whose objects have expired where there is none that says so.
    private func mendRecord(of file: CompactedFile, _ report: inout Report) async {
        let record = ExpirationRecord(of: file)
        do throws(StoreError) {
            let isThere = try await backup.size(of: record.key) != nil
            if isThere, try await backup.read(record.key) == record.json() { return }
            if isThere { try await backup.remove(record.key) }
            try await backup.put(record.json(), at: record.key)
            report.announcementsWritten.append(record.key)
        } catch {
            report.failed.append((record.key, "\(error)"))
        }
    }

    /// Writes the announcement beside the backup where there is none that is this object's. One that is and says other
    /// things than the ledger stays: which of the two is wrong, nobody can tell here.
    private func mendAnnouncement(of announcement: Announcement, _ report: inout Report) async {
        let key = Copier.announcementKey(of: announcement.key)
        do throws(StoreError) {
            let isThere = try await backup.size(of: key) != nil
            if isThere, case .announcement(let kept) = Arrival.Content(try await backup.read(key)),
                kept.key == announcement.key
            {
                return
            }
            let message = announcement.json()
            guard case .announcement = Arrival.Content(message) else {
                throw StoreError(.differs, doing: "restore \(key)", cause: "the ledger contradicts the object's name")
            }
            if isThere { try await backup.remove(key) }
            try await backup.put(message, at: key)
            report.announcementsWritten.append(key)
        } catch {
            report.failed.append((key, "\(error)"))
        }
    }

    private func count(_ snapshot: Int64) async throws(CatalogError) -> Int {
        let query = "SELECT count(*) AS n FROM lake.pregao.objects WHERE status <> 'refused'"
        return Int(try await catalog.rows(query, snapshot: snapshot).first?.integer("n") ?? 0)
    }
}
