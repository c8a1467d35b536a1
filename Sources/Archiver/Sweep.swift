import Lake
import MarketData
import Runtime
import Warehouse

/// Removes orphans: raw objects that a crash left between being put and being announced.
///
/// A raw object goes when the ledger does not have it, its range starts below what the ledger has reached for the same
/// partition and epoch (so that it can no longer be announced), and it is older than the grace. Nobody ever reads one.
public struct Sweep: Sendable {
    public struct Report: Sendable {
        /// What was removed, or would be.
        public internal(set) var removed: [StoredObject] = []
        /// Not in the ledger, and left alone: younger than the grace, or they may still be announced.
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
        // Ranges only grow: what they have passed now stays passed.
        var reached: [LedgerPartition: Int64] = [:]
        for range in try await catalog.ranges() { reached[range.partition] = range.end }
        let oldest = clock.now().adding(microseconds: -grace.components.seconds * 1_000_000)
        var last: String?
        while true {
            let page = try await raw.list(prefix: "raw/", after: last, limit: Self.pageSize)
            guard let end = page.last?.key else { return report }
            last = end
            report.examined += page.count
            // Asked after the listing: an object that was registered meanwhile is then in the ledger.
            let registered = try await keysInLedger(of: page)
            for object in page where !registered.contains(object.key) {
                if let reason = reasonToKeep(object, reached, oldest: oldest) {
                    report.kept.append((object, reason))
                } else {
                    if removing { try await raw.remove(object.key) }
                    report.removed.append(object)
                }
            }
        }
    }

    private func reasonToKeep(_ object: StoredObject, _ reached: [LedgerPartition: Int64], oldest: Instant) -> String? {
        guard let name = RawObjectName(key: object.key) else { return "not a raw object's name" }
        let partition = LedgerPartition(epoch: name.epoch, topic: name.topic, partition: name.partition)
        guard let end = reached[partition], name.start < end else { return "may still be announced" }
        return object.modified > oldest.microseconds ? "younger than the grace" : nil
    }

    private func keysInLedger(of page: [StoredObject]) async throws(CatalogError) -> Set<String> {
        let keys = page.map { SQL.literal($0.key) }.joined(separator: ", ")
        let rows = try await catalog.rows("SELECT key FROM lake.pregao.objects WHERE key IN (\(keys))")
        return Set(rows.compactMap { $0.text("key") })
    }
}
