import Lake
import MarketData
import Warehouse

/// Looks whether raw objects may go: their rows are in the compacted file, and their bytes in backup.
struct ExpirationProof: Sendable {
    let engine: DuckDB
    let raw: any ObjectStore
    let backup: any ObjectStore

    /// - Parameter areInRaw: whether raw is to have the objects too, and the rows are to be compared.
    /// - Returns: the first thing that is not as it has to be; nil where all is.
    /// - Throws: ``StoreError`` or ``CatalogError`` where that cannot be told.
    func fault(of file: CompactedFile, _ objects: [LedgerObject], areInRaw: Bool) async throws -> String? {
        guard let dataset = Datasets.named(file.dataset) else { return "the dataset \(file.dataset) is unknown" }
        if let newer = objects.first(where: { $0.announcement.schemaVersion > dataset.version }) {
            return "\(newer.announcement.key) is of a newer version than this program's: it may hold more than it reads"
        }
        if let fault = try await faultOfFile(file) { return fault }
        // As many at once as make up for a distant store, and memory holds.
        let width = 4
        for start in stride(from: 0, to: objects.count, by: width) {
            let slice = objects[start..<min(start + width, objects.count)]
            let faults = try await withThrowingTaskGroup(of: String?.self) { group in
                for object in slice { group.addTask { try await self.fault(of: object, isInRaw: areInRaw) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            if let fault = faults.compactMap(\.self).min() { return fault }
        }
        return areInRaw ? try await difference(of: file, dataset, objects) : nil
    }

    /// Backup has the record, and raw has not: it is another store.
    func fault(of record: ExpirationRecord) async throws(StoreError) -> String? {
        guard try await raw.size(of: record.key) == nil else {
            return "raw has \(record.key) too: raw and backup are one store"
        }
        guard try await backup.size(of: record.key) != nil else { return "backup lacks \(record.key)" }
        let bytes = try await backup.read(record.key)
        return bytes == record.json() ? nil : "backup has another \(record.key)"
    }

    private func faultOfFile(_ file: CompactedFile) async throws(StoreError) -> String? {
        let words = "see 'pregao catalog rebuild'"
        guard file.location == raw.location(of: file.key) else {
            return "the catalog reads \(file.location), the store has \(raw.location(of: file.key))"
        }
        guard let size = try await raw.size(of: file.key) else { return "the compacted file is missing; \(words)" }
        guard size == file.size, SHA256.hexadecimal(of: try await raw.read(file.key)) == file.sha256 else {
            return "the compacted file is not what was written; \(words)"
        }
        return nil
    }

    private func fault(of object: LedgerObject, isInRaw: Bool) async throws(StoreError) -> String? {
        let it = object.announcement
        guard object.status == .registered, object.location == raw.location(of: it.key) else {
            return "the catalog reads \(it.key) elsewhere, or not at all"
        }
        if isInRaw, try await !holds(it, in: raw) { return "raw does not have \(it.key); see 'pregao restore --full'" }
        guard try await holds(it, in: backup) else {
            return "backup does not have \(it.key); see 'pregao restore --backup --full'"
        }
        let announcement = it.key + ".json"
        guard try await backup.size(of: announcement) != nil,
            let kept = try? Announcement.parse(try await backup.read(announcement)).first, kept.key == it.key,
            kept.sha256 == it.sha256, kept.size == it.size, kept.rows == it.rows
        else { return "backup does not have the announcement of \(it.key); see 'pregao restore --backup'" }
        return nil
    }

    private func holds(_ announcement: Announcement, in store: any ObjectStore) async throws(StoreError) -> Bool {
        guard try await store.size(of: announcement.key) == announcement.size else { return false }
        return SHA256.hexadecimal(of: try await store.read(announcement.key)) == announcement.sha256
    }

    private func difference(of file: CompactedFile, _ dataset: Dataset, _ objects: [LedgerObject])
        async throws(CatalogError) -> String?
    {
        let script = CompactionScript(dataset: dataset, locations: objects.map(\.location))
        let rows = try await engine.run(
            script.differences(from: file.location), doing: "compare \(file.key) with its objects")
        guard let lost = rows.first?.integer("lost"), let added = rows.first?.integer("added"), lost == 0, added == 0
        else { return "the compacted file has other rows than its objects" }
        return nil
    }
}
