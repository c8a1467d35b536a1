import Lake
import MarketData
import Runtime
import Warehouse

/// Lets raw objects go whose rows have long been read from compacted files, and that backup has too.
///
/// The objects of a file go together: first they expire, so that everything reads the file in their place, and once the
/// grace is past they are removed. Every step may be repeated, and several processes may do it at once.
public struct RawRetention: Sendable {
    public enum Step: String, Sendable {
        case expire, remove
    }

    /// A compacted file whose objects are due for a step.
    public struct Due: Sendable {
        public let file: CompactedFile
        public let step: Step
        /// What of the catalog keeps them; nil where nothing does.
        public let obstacle: String?
    }

    let catalog: Catalog
    let raw: any ObjectStore
    let backup: any ObjectStore
    let settings: RetentionSettings
    let clock: any WallClock
    private let proof: ExpirationProof

    /// - Parameter engine: compares the rows of files and objects.
    public init(
        catalog: Catalog, engine: DuckDB, raw: any ObjectStore, backup: any ObjectStore, settings: RetentionSettings,
        clock: any WallClock = SystemWallClock()
    ) {
        self.catalog = catalog
        self.raw = raw
        self.backup = backup
        self.settings = settings
        self.clock = clock
        proof = ExpirationProof(engine: engine, raw: raw, backup: backup)
    }

    private var limits: ExpirationLimits {
        ExpirationLimits(
            compactedUntil: clock.now().adding(microseconds: -settings.age.wholeMicroseconds),
            lastDay: clock.now().utcDay.adding(days: -1))
    }

    private var graceStart: Instant { clock.now().adding(microseconds: -settings.grace.wholeMicroseconds) }

    /// What is to be done now: first the objects to remove, then those to expire.
    public func due() async throws(CatalogError) -> [Due] {
        let removable = try await catalog.removable(expiredUntil: graceStart, limits)
        let expirable = try await catalog.expirable(limits)
        return removable.map { Due(file: $0, step: .remove, obstacle: $1) }
            + expirable.map { Due(file: $0, step: .expire, obstacle: $1) }
    }

    /// Does a step, or nothing where anything is not as it has to be.
    ///
    /// - Parameter isTrial: only looks, and says what would be done.
    public func apply(_ due: Due, isTrial: Bool = false) async -> RetentionReport {
        var report = RetentionReport(file: due.file, step: due.step)
        do {
            report.outcome = try await outcome(of: due, isTrial: isTrial, &report)
        } catch {
            report.outcome = .failed("\(error)")
        }
        return report
    }

    private func outcome(of due: Due, isTrial: Bool, _ report: inout RetentionReport) async throws
        -> RetentionReport.Outcome
    {
        if let obstacle = due.obstacle { return .kept(obstacle) }
        let objects = try await catalog.objects(withKeys: due.file.inputs)
        guard objects.map(\.announcement.key) == due.file.inputs else {
            return .failed("the ledger does not have all of its objects")
        }
        report.bytes = objects.map(\.announcement.size).reduce(0, +)
        switch due.step {
        case .expire: return try await expire(due.file, objects, isTrial)
        case .remove: return try await remove(due.file, objects, isTrial)
        }
    }

    private func expire(_ file: CompactedFile, _ objects: [LedgerObject], _ isTrial: Bool) async throws
        -> RetentionReport.Outcome
    {
        if let fault = try await proof.fault(of: file, objects, areInRaw: true) { return .failed(fault) }
        if isTrial { return .done }
        let record = ExpirationRecord(of: file)
        try await backup.put(record.json(), at: record.key)
        if let fault = try await proof.fault(of: record) { return .failed(fault) }
        Waypoint.retentionRecorded.reached()
        switch try await catalog.expire(file, limits) {
        case .expired, .already:
            Waypoint.retentionExpired.reached()
            return .done
        case .kept(let reason): return .kept(reason)
        }
    }

    private func remove(_ file: CompactedFile, _ objects: [LedgerObject], _ isTrial: Bool) async throws
        -> RetentionReport.Outcome
    {
        var left: [String] = []
        for object in objects where try await raw.size(of: object.announcement.key) != nil {
            left.append(object.announcement.key)
        }
        // After a crash, or in a catalog that was made anew, they may all be gone.
        if !left.isEmpty {
            if let fault = try await proof.fault(of: ExpirationRecord(of: file)) { return .failed(fault) }
            if let fault = try await proof.fault(of: file, objects, areInRaw: false) { return .failed(fault) }
            if isTrial { return .done }
            // Snapshots from before the compaction read the objects.
            _ = try await catalog.maintain(olderThan: graceStart)
            if let reason = try await changeSinceDue(of: file) {
                let expirations = try await catalog.expirations()
                let isDone = expirations.contains { $0.file.key == file.key && $0.removedAt != nil }
                return isDone ? .done : .kept(reason)
            }
            for key in left {
                try await raw.remove(key)
                // In a place that is both, by whatever mount or link, this was the backup: one is missed, and no more.
                guard try await backup.size(of: key) != nil else {
                    return .failed("\(key) is gone from backup with the object in raw: both are in one place")
                }
                Waypoint.retentionRemovedOne.reached()
            }
        }
        if isTrial { return .done }
        // Another store, or another folder of it, has none of them either.
        guard file.location == raw.location(of: file.key), try await raw.size(of: file.key) == file.size else {
            return .failed("the file is not in the store that the objects are to be gone from")
        }
        try await catalog.recordRemoval(ofObjectsIn: file)
        Waypoint.retentionRemoved.reached()
        return .done
    }
}

extension RawRetention {
    /// What was due may be so no more: steps take their time, and another process may have made the catalog anew.
    private func changeSinceDue(of file: CompactedFile) async throws(CatalogError) -> String? {
        let removable = try await catalog.removable(expiredUntil: graceStart, limits)
        guard let (found, obstacle) = removable.first(where: { $0.0.key == file.key }), found == file else {
            return "the catalog no longer has them as expired"
        }
        return obstacle
    }
}

public struct RetentionSettings: Hashable, Sendable {
    /// How long after its compaction an object is kept.
    public var age: Duration
    /// How long it stays after it has expired, for readers of older snapshots.
    public var grace: Duration

    public init(age: Duration, grace: Duration = .seconds(86_400)) {
        self.age = age
        self.grace = grace
    }
}

/// What was done about the objects of a compacted file.
public struct RetentionReport: Sendable {
    public enum Outcome: Hashable, Sendable {
        case done
        /// Not yet: a day is dirty, say.
        case kept(String)
        /// Something is not as it has to be; nothing more was done.
        case failed(String)
    }

    public let file: CompactedFile
    public let step: RawRetention.Step
    public internal(set) var outcome = Outcome.done
    /// The objects' size, all in all; 0 where nothing was looked at.
    public internal(set) var bytes: Int64 = 0
}

extension Duration {
    fileprivate var wholeMicroseconds: Int64 { components.seconds * 1_000_000 }
}
