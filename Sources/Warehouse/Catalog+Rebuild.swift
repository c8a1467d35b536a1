import Lake
import MarketData

/// What backup tells of one raw object.
public enum RebuildEntry: Hashable, Sendable {
    case object(Registration)
    case refusal(Announcement, reason: String)

    var announcement: Announcement {
        switch self {
        case .object(let registration): registration.announcement
        case .refusal(let announcement, _): announcement
        }
    }
}

public struct RebuildReport: Hashable, Sendable {
    /// A range of which backup tells nothing.
    public struct Hole: Hashable, Sendable {
        public let partition: LedgerPartition
        public let start: Int64
        public let end: Int64
    }

    /// Objects that are in the new catalog's ledger, those without rows included.
    public internal(set) var registered = 0
    /// Objects that are in the new ledger as refused, as they were.
    public internal(set) var refused = 0
    /// Objects that the new catalog does not take, with the reason: overlaps, mostly.
    public internal(set) var rejected: [Rejected] = []
    public internal(set) var holes: [Hole] = []
    /// Whether the new catalog is in the old one's place.
    public internal(set) var isReplaced = true
    /// Objects that have expired: their rows are read from compacted files.
    public internal(set) var expired = 0

    public struct Rejected: Hashable, Sendable {
        public let key: String
        public let reason: String
    }
}

extension Catalog {
    /// Makes the catalog again from what backup tells, beside the old one, and puts it in its place in one step. Nobody
    /// writes to the catalog meanwhile; readers have the old one until the end, which is kept
    /// beside it (`catalog.sqlite.before`, or the schema `<schema>_before`).
    ///
    /// A new one that does not take every object is thrown away, and the old one stays.
    ///
    /// The new one has no models: as ``declare(_:)`` brings them, every day becomes dirty and is computed again.
    ///
    /// - Parameters:
    ///   - datasets: every dataset of which there may be objects.
    ///   - leavingOut: whether the new one takes the old one's place although there are objects that it does not take.
    ///   - nextPage: the next entries, in any order, nil after the last. All are held in memory, since they are
    ///     registered in the order of their ranges.
    /// - Throws: also what `nextPage` throws; nothing has changed then.
    public func rebuild(
        datasets: [Dataset], leavingOut: Bool = false, from nextPage: () async throws -> [RebuildEntry]?
    ) async throws -> RebuildReport {
        schema.replace(by: datasets)
        try metadata.makeFolders()
        let turn = try await takeTurn("rebuild the catalog")
        try await metadata.checkPlace(engine: engine, patience: patience)
        var entries: [RebuildEntry] = []
        while let page = try await nextPage() {
            entries += page
            try await turn.confirmed()
        }
        let replacement = replacement()
        try await replacement.metadata.remove(engine: engine, patience: patience, holding: turn)
        try await replacement.make(inheriting: turn)
        var report = try await replacement.fill(with: entries, holding: turn)
        report.isReplaced = report.rejected.isEmpty || leavingOut
        if report.isReplaced {
            try await metadata.replace(by: replacement.metadata, holding: turn)
        } else {
            try await replacement.metadata.remove(engine: engine, patience: patience, holding: turn)
        }
        return report
    }

    private func fill(with entries: [RebuildEntry], holding turn: any Turn) async throws(CatalogError)
        -> RebuildReport
    {
        var report = RebuildReport()
        var ends: [LedgerPartition: Int64] = [:]
        var batch: [Registration] = []
        for entry in RebuildEntry.inOrder(entries) {
            let it = entry.announcement
            if let end = ends[it.ledgerPartition], it.start > end {
                report.holes.append(.init(partition: it.ledgerPartition, start: end, end: it.start))
            }
            ends[it.ledgerPartition] = max(it.end, ends[it.ledgerPartition] ?? it.end)
            switch entry {
            case .object(let registration):
                batch.append(registration)
                if batch.count < 500 { continue }
                try await take(&batch, &report, holding: turn)
            case .refusal(_, let reason):
                try await take(&batch, &report, holding: turn)
                if case .refused = try await refuse(it, reason: reason, acrossHoles: true) { report.refused += 1 }
            }
        }
        try await take(&batch, &report, holding: turn)
        try await readCompacted(entries, &report, holding: turn)
        return report
    }

    /// Has the raw tables read the compacted files of the objects that have expired.
    private func readCompacted(_ entries: [RebuildEntry], _ report: inout RebuildReport, holding turn: any Turn)
        async throws(CatalogError)
    {
        var files: [String: CompactedFile] = [:]
        for case .object(let registration) in entries {
            if let file = registration.expiredInto { files[file.key] = file }
        }
        for (_, file) in files.sorted(by: { $0.key < $1.key }) {
            try await turn.confirmed()
            do throws(CatalogError) {
                try await addExpired(file)
                report.expired += file.inputs.count
            } catch  where error.kind == .sql || error.kind == .refused || error.isOfAbsentFile {
                // Its objects are in the ledger, and the verification tells that no table reads them.
                report.rejected.append(.init(key: file.key, reason: error.cause))
            }
        }
    }

    private func take(_ batch: inout [Registration], _ report: inout RebuildReport, holding turn: any Turn)
        async throws(CatalogError)
    {
        // Another that rebuilds meanwhile makes its own in the same place.
        try await turn.confirmed()
        let outcomes = try await registerFound(batch)
        for (registration, outcome) in zip(batch, outcomes) {
            switch outcome {
            case .registered: report.registered += 1
            case .refused(let reason):
                report.rejected.append(.init(key: registration.announcement.key, reason: reason))
            case .already, .ahead: break
            }
        }
        batch = []
    }
}

extension Catalog {
    /// As ``register(_:)`` across holes; an object whose file is nowhere is refused, since it would be missed as often
    /// as it is tried.
    private func registerFound(_ batch: [Registration]) async throws(CatalogError) -> [RegistrationOutcome] {
        do throws(CatalogError) {
            return try await register(batch, acrossHoles: true)
        } catch  where error.isOfAbsentFile {
            if batch.count == 1 { return [.refused("its file is absent: \(error.cause)")] }
            var outcomes: [RegistrationOutcome] = []
            for registration in batch { outcomes += try await registerFound([registration]) }
            return outcomes
        }
    }
}

extension RebuildEntry {
    /// By partition and range. A refusal whose range is another object's covers none of its own: it comes after
    /// everything else, so that it takes no object's place.
    fileprivate static func inOrder(_ entries: [RebuildEntry]) -> [RebuildEntry] {
        let sorted = entries.sorted(by: isBefore)
        var objects: [LedgerPartition: [Announcement]] = [:]
        for case .object(let registration) in sorted {
            objects[registration.announcement.ledgerPartition, default: []].append(registration.announcement)
        }
        let isContested = { (entry: RebuildEntry) in
            guard case .refusal(let it, _) = entry else { return false }
            return (objects[it.ledgerPartition] ?? []).contains {
                $0.key != it.key && $0.start < it.end && it.start < $0.end
            }
        }
        return sorted.filter { !isContested($0) } + sorted.filter(isContested)
    }

    /// By partition and range; an object before a refusal of the same range, which it outlived.
    fileprivate static func isBefore(_ left: RebuildEntry, _ right: RebuildEntry) -> Bool {
        let (first, second) = (left.announcement, right.announcement)
        guard first.ledgerPartition == second.ledgerPartition else {
            return (first.epoch, first.topic, first.partition) < (second.epoch, second.topic, second.partition)
        }
        guard first.start == second.start, first.end == second.end else {
            return (first.start, first.end) < (second.start, second.end)
        }
        if case .object = left, case .refusal = right { return true }
        return false
    }
}
