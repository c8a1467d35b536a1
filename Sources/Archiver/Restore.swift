import Lake
import Warehouse

/// Copies raw objects that are lost or damaged back from backup, and checks them.
public struct Restore: Sendable {
    public struct Report: Sendable {
        public internal(set) var restored: [String] = []
        /// What could not be restored, with the reason.
        public internal(set) var failed: [(key: String, reason: String)] = []
        public internal(set) var examined = 0
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
    ///   - full: also reads every raw object and replaces those whose content differs; else only those that are missing
    ///     or of another size.
    ///   - progress: is called with the objects examined and their number.
    /// - Throws: ``CatalogError`` where the ledger cannot be read; a store's faults are in the report.
    public func run(full: Bool, progress: (Int, Int) -> Void = { _, _ in }) async throws -> Report {
        let restorer = ObjectRestorer(raw: raw, backup: backup)
        let snapshot = try await catalog.newestSnapshot()
        let total = try await count(snapshot)
        var report = Report()
        var last: String?
        while true {
            let page = try await catalog.objects(after: last, limit: Self.pageSize, snapshot: snapshot)
            for object in page where object.status != .refused {
                let it = object.announcement
                do throws(StoreError) {
                    let isRestored = try await restorer.restore(it.key, size: it.size, sha256: it.sha256, full: full)
                    if isRestored { report.restored.append(it.key) }
                } catch {
                    report.failed.append((it.key, "\(error)"))
                }
                report.examined += 1
                progress(report.examined, total)
            }
            guard page.count == Self.pageSize else { return report }
            last = page.last?.announcement.key
        }
    }

    private func count(_ snapshot: Int64) async throws(CatalogError) -> Int {
        let query = "SELECT count(*) AS n FROM lake.pregao.objects WHERE status <> 'refused'"
        return Int(try await catalog.rows(query, snapshot: snapshot).first?.integer("n") ?? 0)
    }
}
