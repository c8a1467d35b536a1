import JSON
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
        var report = Report()
        let rows = try await catalog.rows(
            "SELECT key, size, sha256 FROM lake.pregao.objects WHERE status IN ('registered', 'empty') ORDER BY key")
        for row in rows {
            guard let key = row["key"]?.string, let size = row["size"]?.int64, let sha256 = row["sha256"]?.string else {
                continue
            }
            report.examined += 1
            do throws(StoreError) {
                if try await restore(key, size, sha256, full: full) { report.restored.append(key) }
            } catch {
                report.failed.append((key, "\(error)"))
            }
            progress(report.examined, rows.count)
        }
        return report
    }

    private func restore(_ key: String, _ size: Int64, _ sha256: String, full: Bool) async throws(StoreError) -> Bool {
        let found = try await raw.size(of: key)
        if found == size {
            guard full, SHA256.hexadecimal(of: try await raw.read(key)) != sha256 else { return false }
        }
        let bytes = try await backup.read(key)
        guard Int64(bytes.count) == size, SHA256.hexadecimal(of: bytes) == sha256 else {
            throw StoreError(
                .differs, doing: "restore \(key)", cause: "the backup is not what was announced either")
        }
        // The store never writes over an object, so that a damaged one is taken away first.
        if found != nil { try await raw.remove(key) }
        try await raw.put(bytes, at: key)
        return true
    }
}
