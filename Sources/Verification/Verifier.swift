import Batch
import EventLog
import Lake
import MarketData
import Runtime
import Warehouse

/// Proves completeness from end to end at one cut: stable positions of the log, and one snapshot of the catalog taken
/// after them. What is newer is pending, not wrong.
public struct Verifier: Sendable {
    private let log: any EventLog
    private let catalog: Catalog
    private let raw: any ObjectStore
    private let backup: any ObjectStore
    private let engine: DuckDB
    private let models: Models
    private let readRefined: @Sendable (String) async -> [UInt8]?
    private let clock: any WallClock

    /// - Parameter readRefined: the bytes of a refined file by its location, or nil where there is none.
    public init(
        log: any EventLog, catalog: Catalog, raw: any ObjectStore, backup: any ObjectStore, engine: DuckDB,
        models: Models, readRefined: @escaping @Sendable (String) async -> [UInt8]?, clock: any WallClock
    ) {
        self.log = log
        self.catalog = catalog
        self.raw = raw
        self.backup = backup
        self.engine = engine
        self.models = models
        self.readRefined = readRefined
        self.clock = clock
    }

    /// - Parameter progress: is called with the objects looked at and their number.
    /// - Throws: ``LogError``, ``CatalogError`` or ``StoreError`` where the cut cannot be read at all; what is merely
    ///   wrong is in the report.
    public func verify(_ scope: VerificationScope, progress: (Int, Int) -> Void = { _, _ in }) async throws
        -> VerificationReport
    {
        var report = VerificationReport()
        let logCut = try await LogCut(log: log)
        let snapshot = try await catalog.newestSnapshot()
        let all = try await objects(snapshot)
        let ranges = try await catalog.ranges(snapshot: snapshot)

        LedgerAudit(log: logCut, objects: all).audit(into: &report)
        auditReach(ranges, all, into: &report)
        let inScope = all.filter { scope.includes($0) }
        await ObjectAudit(raw: raw, backup: backup, scope: scope).audit(inScope, into: &report) { done in
            progress(done, inScope.count)
        }
        try await RawTableAudit(catalog: catalog, engine: engine, raw: raw, snapshot: snapshot, scope: scope)
            .audit(all, into: &report)
        try await RefinedAudit(
            catalog: catalog, engine: engine, models: models, snapshot: snapshot, scope: scope, read: readRefined,
            objects: all
        ).audit(into: &report)
        let slots = SlotAudit(catalog: catalog, snapshot: snapshot, log: log, scope: scope)
        try await slots.audit(reached: reached(ranges), into: &report)
        try await OrphanAudit(raw: raw, grace: scope.grace, now: clock.now())
            .audit(Set(all.map(\.announcement.key)), ranges, into: &report)
        return report
    }

    private func objects(_ snapshot: Int64) async throws(CatalogError) -> [LedgerObject] {
        var all: [LedgerObject] = []
        // A page is one run of the engine; this many rows of JSON are some ten megabytes.
        let page = 20_000
        while true {
            let next = try await catalog.objects(after: all.last?.announcement.key, limit: page, snapshot: snapshot)
            all += next
            if next.count < page { return all }
        }
    }

    private func reached(_ ranges: [LedgerRange]) -> [TopicPartition: Offset] {
        var reached: [TopicPartition: Offset] = [:]
        for range in ranges where range.partition.epoch == log.epoch {
            let partition = TopicPartition(topic: range.partition.topic, partition: range.partition.partition)
            reached[partition] = range.end
        }
        return reached
    }

    /// What the ledger says of how far it reaches agrees with its objects.
    private func auditReach(_ ranges: [LedgerRange], _ objects: [LedgerObject], into report: inout VerificationReport) {
        let ends = Dictionary(grouping: objects, by: \.announcement.partitionInLedger)
            .compactMapValues { $0.map(\.announcement.end).max() }
        for range in ranges where ends[range.partition] != range.end {
            let name = "\(range.partition.topic)~\(range.partition.epoch)/\(range.partition.partition)"
            let found = ends[range.partition].map { "end at \($0)" } ?? "are none"
            report.fault(.ranges, name, "the ledger says that it reaches \(range.end), and its objects \(found)")
        }
    }
}

extension VerificationScope {
    func includes(_ object: LedgerObject) -> Bool {
        guard let since else { return true }
        return object.announcement.days.isEmpty || object.announcement.days.contains { $0.day >= since }
    }
}
