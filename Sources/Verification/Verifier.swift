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
    private let refined: any ObjectStore
    private let engine: DuckDB
    private let models: Models
    private let readRefined: @Sendable (String) async throws(StoreError) -> [UInt8]?
    private let clock: any WallClock

    /// - Parameters:
    ///   - refined: holds the refined files by their keys.
    ///   - readRefined: the bytes of a refined file by its location, or nil where there is none.
    public init(
        log: any EventLog, catalog: Catalog, raw: any ObjectStore, backup: any ObjectStore,
        refined: any ObjectStore, engine: DuckDB, models: Models,
        readRefined: @escaping @Sendable (String) async throws(StoreError) -> [UInt8]?,
        clock: any WallClock
    ) {
        self.log = log
        self.catalog = catalog
        self.raw = raw
        self.backup = backup
        self.refined = refined
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
        let cut = try await LogCut(log: log)
        let snapshot = try await catalog.newestSnapshot()
        let flushedSince = try await LogCut.flushed(log)
        let all = try await objects(snapshot)
        let ranges = try await catalog.ranges(snapshot: snapshot)

        let stored = all.filter { $0.status != .refused && scope.includes($0) }
        let counts = try await MessageCounts(log: log, objects: stored)
        var ledger = LedgerAudit(
            log: cut, flushedSince: flushedSince, objects: all, ranges: ranges, counts: counts)
        try await ledger.awaitAnnouncements(in: log)
        ledger.audit(into: &report)
        try await auditDuplicates(snapshot, into: &report)
        let rejected = try await RejectedMessages(log: log, announcements: all.map(\.announcement))
        rejected.audit(all, into: &report)
        let inScope = stored
        await ObjectAudit(raw: raw, backup: backup, scope: scope).audit(inScope, into: &report) { done in
            progress(done, inScope.count)
        }
        let copies = BackupCopies(backup: backup)
        await RawFileAudit(engine: engine, raw: raw, copies: copies, scope: scope, letters: rejected)
            .audit(inScope, into: &report)
        let compacted = try await catalog.compactedFiles(snapshot: snapshot)
        await CompactionAudit(engine: engine, raw: raw, copies: copies, scope: scope)
            .audit(compacted, all, into: &report)
        let expirations = try await catalog.expirations(snapshot: snapshot)
        await ExpirationAudit(raw: raw, backup: backup).audit(expirations, into: &report)
        try await RawTableAudit(catalog: catalog, snapshot: snapshot, scope: scope, compacted: compacted)
            .audit(all, into: &report)
        try await RefinedAudit(
            catalog: catalog, engine: engine, models: models, snapshot: snapshot, scope: scope, read: readRefined,
            objects: all
        ).audit(into: &report)
        let accounts = try await ArchivedAccounts(cut.accounts, log: log, reached: cut.reached(ranges))
        await SlotAudit(catalog: catalog, snapshot: snapshot, accounts: accounts, scope: scope).audit(into: &report)
        try await OrphanAudit(
            epoch: log.epoch, announced: Set(cut.announced.map(\.key)), raw: raw, catalog: catalog, snapshot: snapshot,
            grace: scope.grace, now: clock.now()
        ).audit(Set(all.map(\.announcement.key)), into: &report)
        for (kind, store) in [(RefinedSweep.Kind.refined, refined), (.compacted, raw)] {
            try await UnpublishedFileAudit(
                kind: kind, store: store, catalog: catalog, grace: scope.grace, now: clock.now()
            ).audit(into: &report)
        }
        return report
    }

    /// Rows of the ledger that are there twice, or of an object that is not there: its readers would count them.
    private func auditDuplicates(_ snapshot: Int64, into report: inout VerificationReport) async throws(CatalogError) {
        let rows = try await catalog.rows(
            """
            SELECT key, 'is in the ledger ' || count(*) || ' times' AS words
            FROM lake.pregao.objects GROUP BY key HAVING count(*) > 1
            UNION ALL
            SELECT key, trading_day || ' is in object_days ' || count(*) || ' times'
            FROM lake.pregao.object_days GROUP BY key, trading_day HAVING count(*) > 1
            UNION ALL
            SELECT DISTINCT key, 'has days in object_days, and is not in the ledger'
            FROM lake.pregao.object_days ANTI JOIN lake.pregao.objects USING (key)
            UNION ALL
            SELECT file, 'is a compacted file ' || count(*) || ' times'
            FROM lake.pregao.compactions GROUP BY file HAVING count(*) > 1
            UNION ALL
            SELECT DISTINCT file, 'has objects in compaction_inputs, and is no compacted file'
            FROM lake.pregao.compaction_inputs ANTI JOIN lake.pregao.compactions USING (file)
            UNION ALL
            SELECT file, 'has expired objects, ' || count(*) || ' times'
            FROM lake.pregao.expirations GROUP BY file HAVING count(*) > 1
            UNION ALL
            SELECT DISTINCT file, 'has expired objects, and is no compacted file'
            FROM lake.pregao.expirations ANTI JOIN lake.pregao.compactions USING (file)
            UNION ALL
            SELECT model || ' ' || trading_day, 'is published ' || count(*) || ' times'
            FROM lake.pregao.publications GROUP BY model, trading_day HAVING count(*) > 1
            ORDER BY ALL
            """, snapshot: snapshot)
        for row in rows { report.fault(.ranges, row.text("key") ?? "", row.text("words") ?? "") }
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
}

extension VerificationScope {
    func includes(_ object: LedgerObject) -> Bool {
        guard let since else { return true }
        return object.announcement.days.isEmpty || object.announcement.days.contains { $0.day >= since }
    }
}
