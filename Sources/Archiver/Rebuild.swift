import Lake
import MarketData
import Warehouse

/// Makes the catalog again from the announcements, the refusals and the records of what has expired in backup, never
/// from a listing of raw. Every day is
/// dirty afterwards.
public struct Rebuild: Sendable {
    public struct Report: Sendable, CustomStringConvertible {
        /// What the new catalog took.
        public let catalog: RebuildReport
        /// Raw objects that were lost, and copied back from backup.
        public let restored: [String]
        /// What of backup could not be used, with the reason.
        public let faults: [(key: String, reason: String)]

        public var description: String {
            "\(catalog.registered) objects registered, \(catalog.refused) refused as before, "
                + (catalog.expired > 0 ? "\(catalog.expired) of them in compacted files alone, " : "")
                + "\(catalog.rejected.count) not taken, \(catalog.holes.count) holes, "
                + "\(restored.count) raw objects restored, \(faults.count) faults in backup"
        }
    }

    private let backup: any ObjectStore
    private let raw: any ObjectStore
    private let catalog: Catalog
    private let datasets: [Dataset]

    /// - Parameter catalog: need not be open, nor be sound; no other process writes to it meanwhile.
    public init(
        backup: any ObjectStore, raw: any ObjectStore, catalog: Catalog, datasets: [Dataset] = Datasets.all
    ) {
        self.backup = backup
        self.raw = raw
        self.catalog = catalog
        self.datasets = datasets
    }

    /// - Parameters:
    ///   - leavingOut: whether the old catalog is replaced although the new one does not take every object.
    ///   - progress: is called with the number of announcements and refusals read so far.
    /// - Throws: ``StoreError`` or ``CatalogError``; the catalog is as it was then.
    public func run(leavingOut: Bool = false, progress: (Int) -> Void = { _ in }) async throws -> Report {
        var reader = BackupReader(backup: backup, raw: raw)
        let result = try await catalog.rebuild(datasets: datasets, leavingOut: leavingOut) {
            let page = try await reader.nextPage()
            progress(reader.count)
            return page
        }
        return Report(catalog: result, restored: reader.restored, faults: reader.faults)
    }
}

/// Reads backup page by page: the refusals, the records of what has expired, then the announcements.
struct BackupReader {
    private enum Place { case refusals, expirations, announcements, expired, end }

    private static let pageSize = 1000
    /// The file of each is read whole, and who rebuilds has to say from time to time that it goes on.
    private static let expirationsPageSize = 8

    private let backup: any ObjectStore
    private let raw: any ObjectStore
    private let restorer: ObjectRestorer
    private var place = Place.refusals
    private var last: String?
    /// Objects that were copied and then refused, since they overlap others: they have an announcement all the same.
    private var overlapping: Set<String> = []
    private var expired = ExpiredFiles()
    private(set) var count = 0
    private(set) var restored: [String] = []
    private(set) var faults: [(key: String, reason: String)] = []

    init(backup: any ObjectStore, raw: any ObjectStore) {
        self.backup = backup
        self.raw = raw
        restorer = ObjectRestorer(source: backup, target: raw)
    }

    /// - Returns: nil at the end; an empty page is not the end.
    mutating func nextPage() async throws(StoreError) -> [RebuildEntry]? {
        switch place {
        case .refusals:
            let keys = try await nextKeys(RefusalLedger.prefix)
            if keys.isEmpty { place = .expirations }
            var entries: [RebuildEntry] = []
            for key in keys { if let entry = try await refusal(at: key) { entries.append(entry) } }
            return entries
        case .expirations:
            let keys = try await nextKeys(ExpirationRecord.prefix, limit: Self.expirationsPageSize)
            if keys.isEmpty { place = .announcements }
            for key in keys { try await takeExpiration(at: key) }
            return []
        case .announcements:
            let keys = try await nextKeys("raw/")
            if keys.isEmpty { place = .expired }
            var entries: [RebuildEntry] = []
            for key in keys where key.hasSuffix(Copier.announcementSuffix) {
                if let entry = try await object(announcedAt: key) { entries.append(entry) }
            }
            return entries
        case .expired:
            guard let (objects, file) = expired.next() else {
                place = .end
                return []
            }
            var entries: [RebuildEntry] = []
            for object in objects { entries.append(try await entry(of: object, expiredInto: file)) }
            return entries
        case .end: return nil
        }
    }

    private mutating func nextKeys(_ prefix: String, limit: Int = pageSize) async throws(StoreError) -> [String] {
        let page = try await backup.list(prefix: prefix, after: last, limit: limit)
        last = page.last?.key
        return page.map(\.key)
    }

    private mutating func refusal(at key: String) async throws(StoreError) -> RebuildEntry? {
        let bytes = try await backup.read(key)
        count += 1
        let letter: DeadLetter
        do throws(DeadLetterFault) {
            letter = try DeadLetter.parse(bytes)
        } catch {
            faults.append((key, error.description))
            return nil
        }
        guard case .inline(_, let message?, _) = letter.content, let reason = RefusalReason(rawValue: letter.reason)
        else {
            faults.append((key, "not a refusal of an object-created message"))
            return nil
        }
        guard reason.isKeptInLedger else { return nil }
        switch Arrival.Content(message) {
        case .unreadable(let refusal):
            faults.append((key, "\(refusal)"))
            return nil
        case .announcement(let announcement), .misnamed(let announcement, _):
            if reason == .overlap { overlapping.insert(announcement.key) }
            return .refusal(announcement, reason: "\(Refusal(reason, letter.detail))")
        }
    }

    private mutating func object(announcedAt key: String) async throws(StoreError) -> RebuildEntry? {
        guard case .announcement(let it) = Arrival.Content(try await backup.read(key)),
            Copier.announcementKey(of: it.key) == key
        else {
            faults.append((key, "not the announcement of the object beside it"))
            return nil
        }
        count += 1
        guard !overlapping.contains(it.key), !expired.hold(it) else { return nil }
        return try await entry(of: it, expiredInto: nil)
    }

    private mutating func takeExpiration(at key: String) async throws(StoreError) {
        let bytes = try await backup.read(key)
        guard let record = ExpirationRecord(parsing: bytes, location: raw.location(of:)), record.key == key else {
            faults.append((key, "not a record of objects that have expired"))
            return
        }
        if try await isWhole(record.file) { expired.add(record.file) }
    }

    private func isWhole(_ file: CompactedFile) async throws(StoreError) -> Bool {
        do throws(StoreError) {
            guard try await raw.size(of: file.key) == file.size else { return false }
            return SHA256.hexadecimal(of: try await raw.read(file.key)) == file.sha256
        } catch {
            guard !error.isTransient else { throw error }
            return false
        }
    }

    private mutating func entry(of it: Announcement, expiredInto file: CompactedFile?) async throws(StoreError)
        -> RebuildEntry
    {
        let location = raw.location(of: it.key)
        guard file == nil else {
            return .object(Registration(announcement: it, location: location, expiredInto: file))
        }
        do throws(StoreError) {
            // The engine reads each file that it adds.
            if try await restorer.restore(it.key, size: it.size, sha256: it.sha256, full: false) {
                restored.append(it.key)
            }
        } catch {
            guard !error.isTransient else { throw error }
            faults.append((it.key, "\(error)"))
        }
        return .object(Registration(announcement: it, location: location))
    }
}
