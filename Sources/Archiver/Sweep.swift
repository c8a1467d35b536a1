import Lake
import MarketData
import Runtime
import Warehouse

/// Removes orphans: raw objects that a crash left between being put and being announced.
///
/// A raw object goes when the ledger does not have it, the ledger holds its whole range under other keys (so that it can
/// no longer be announced), and it is older than the grace. Nobody ever reads one. A hole in the ledger covers nothing:
/// what lies in one may have been announced, and be all that is left of its range.
public struct Sweep: Sendable {
    public struct Report: Sendable {
        /// What was removed, or would be.
        public internal(set) var removed: [StoredObject] = []
        /// Not in the ledger, and left alone: younger than the grace, or not covered by others.
        public internal(set) var kept: [(object: StoredObject, reason: String)] = []
        public internal(set) var examined = 0
    }

    /// A page is one question to the ledger, which costs a fifth of a second whatever its size.
    private static let pageSize = 2000

    private let raw: any ObjectStore
    private let catalog: Catalog
    private let grace: Duration
    private let clock: any WallClock

    public init(raw: any ObjectStore, catalog: Catalog, grace: Duration = .seconds(86_400), clock: any WallClock) {
        self.raw = raw
        self.catalog = catalog
        self.grace = grace
        self.clock = clock
    }

    /// - Parameter removing: false only reports what would be removed.
    /// - Throws: ``StoreError`` or ``CatalogError``; what was removed until then stays removed.
    public func run(removing: Bool) async throws -> Report {
        var report = Report()
        let oldest = clock.now().adding(microseconds: -grace.components.seconds * 1_000_000).microseconds
        func isPastGrace(_ object: StoredObject) -> Bool { object.modified <= oldest }
        var last: String?
        while true {
            let page = try await raw.list(prefix: "raw/", after: last, limit: Self.pageSize)
            guard let end = page.last?.key else { return report }
            last = end
            report.examined += page.count
            // Asked after the listing: an object that was registered meanwhile is then in the ledger.
            let registered = try await keysInLedger(of: page)
            let unknown = page.filter { !registered.contains($0.key) }
            let names = unknown.filter { isPastGrace($0) }.compactMap { RawObjectName(key: $0.key) }
            // Asked after the listing too: a range that is covered stays covered.
            let covered = try await catalog.coveredByOthers(names)
            for object in unknown {
                guard covered.contains(object.key) else {
                    report.kept.append((object, reasonToKeep(object, isPastGrace: isPastGrace(object))))
                    continue
                }
                if removing { try await raw.remove(object.key) }
                report.removed.append(object)
            }
        }
    }

    private func reasonToKeep(_ object: StoredObject, isPastGrace: Bool) -> String {
        guard RawObjectName(key: object.key) != nil else { return "not a raw object's name" }
        return isPastGrace ? "the ledger lacks its range: it may still be announced" : "younger than the grace"
    }

    private func keysInLedger(of page: [StoredObject]) async throws(CatalogError) -> Set<String> {
        let keys = page.map { SQL.literal($0.key) }.joined(separator: ", ")
        let rows = try await catalog.rows("SELECT key FROM lake.pregao.objects WHERE key IN (\(keys))")
        return Set(rows.compactMap { $0.text("key") })
    }
}
