import Lake
import MarketData
import Runtime
import Warehouse

/// Removes refined files that nobody reads any more: those that a later version of their day has replaced, and those
/// that a run placed and never published. Compacted files that the catalog does not know go the same way.
///
/// A file goes when it is older than the grace and neither the catalog nor a snapshot that was the newest within the
/// grace shows it. Snapshots older than that are let go first, so that none refers to a file that is gone.
public struct RefinedSweep: Sendable {
    public struct Report: Sendable {
        /// What was removed, or would be.
        public internal(set) var removed: [StoredObject] = []
        /// Shown by nothing, and left alone.
        public internal(set) var kept: [(object: StoredObject, reason: String)] = []
        public internal(set) var examined = 0
    }

    /// Those of a page are removed in one turn of the catalog's writers.
    private static let pageSize = 500

    private let kind: Kind
    private let store: any ObjectStore
    private let catalog: Catalog
    private let grace: Duration
    private let clock: any WallClock

    /// Which files are swept.
    public enum Kind: Sendable {
        /// `refined/<schema>.<table>/…`
        case refined
        /// `compacted/<dataset>/…`, in the raw store.
        case compacted

        /// What the keys of such files begin with.
        public var prefix: String {
            switch self {
            case .refined: "refined/"
            case .compacted: CompactedFileName.folder
            }
        }

        public func isName(_ key: String) -> Bool {
            switch self {
            case .refined: RefinedFileName(key: key) != nil
            case .compacted: CompactedFileName(key: key) != nil
            }
        }
    }

    /// - Parameter store: holds the files of that kind.
    public init(
        _ kind: Kind = .refined, store: any ObjectStore, catalog: Catalog, grace: Duration = .seconds(86_400),
        clock: any WallClock
    ) {
        self.kind = kind
        self.store = store
        self.catalog = catalog
        self.grace = grace
        self.clock = clock
    }

    /// - Parameter removing: false only reports what would be removed.
    /// - Throws: ``StoreError`` or ``CatalogError``; what was removed until then stays removed.
    public func run(removing: Bool) async throws -> Report {
        let oldest = clock.now().adding(microseconds: -grace.components.seconds * 1_000_000)
        if removing { _ = try await catalog.maintain(olderThan: oldest) }
        var report = Report()
        var last: String?
        while true {
            let page = try await store.list(prefix: kind.prefix, after: last, limit: Self.pageSize)
            guard let end = page.last?.key else { return report }
            last = end
            try await sweep(page.filter { !$0.key.hasPrefix(RefinedFolder.unnamed) }, oldest, removing, &report)
        }
    }

    private func sweep(_ page: [StoredObject], _ oldest: Instant, _ removing: Bool, _ report: inout Report) async throws
    {
        report.examined += page.count
        // Asked after the listing: a file that was published meanwhile is shown then.
        let shown = try await catalog.refinedFilesShown(among: page.map(\.key), since: oldest)
        var old: [StoredObject] = []
        for file in page where !shown.contains(file.key) {
            if !kind.isName(file.key) {
                report.kept.append((file, "not a \(kind) file's name"))
            } else if file.modified > oldest.microseconds {
                report.kept.append((file, "younger than the grace"))
            } else {
                old.append(file)
            }
        }
        guard removing else {
            report.removed += old
            return
        }
        let removed = try await catalog.releaseRefinedFiles(among: old.map(\.key), unshownSince: oldest) { key in
            try await store.remove(key)
        }
        report.removed += old.filter { removed.contains($0.key) }
    }
}
