import Lake
import MarketData
import Warehouse

/// Holds the catalog's raw tables against the ledger: each registered object is in its table once, and nothing else is.
struct RawTableAudit {
    let catalog: Catalog
    let engine: DuckDB
    let raw: any ObjectStore
    let snapshot: Int64
    let scope: VerificationScope

    func audit(_ objects: [LedgerObject], into report: inout VerificationReport) async throws(CatalogError) {
        for dataset in Datasets.all {
            let registered = objects.filter { $0.announcement.dataset == dataset.name && $0.status == .registered }
            let files = try await catalog.files(ofTable: dataset.table, inSchema: "raw", snapshot: snapshot)
            auditFiles(of: dataset, files, registered, into: &report)
            try await auditCount(of: dataset, registered, into: &report)
            if scope.full { try await auditOffsets(registered, into: &report) }
        }
    }

    private func auditFiles(
        of dataset: Dataset, _ files: [String], _ registered: [LedgerObject], into report: inout VerificationReport
    ) {
        var expected = Set(registered.map(\.location))
        report.checked(.rawTables, Int64(files.count))
        var seen: Set<String> = []
        for file in files {
            if !seen.insert(file).inserted {
                report.fault(.rawTables, "raw.\(dataset.table)", "reads \(file) twice")
            } else if expected.remove(file) == nil {
                report.fault(.rawTables, "raw.\(dataset.table)", "reads \(file), which the ledger does not have")
            }
        }
        for missing in expected.sorted() {
            report.fault(.rawTables, "raw.\(dataset.table)", "does not read \(missing), which the ledger has")
        }
    }

    private func auditCount(of dataset: Dataset, _ registered: [LedgerObject], into report: inout VerificationReport)
        async throws(CatalogError)
    {
        let rows = try await catalog.rows(
            "SELECT count(*) AS n FROM lake.raw.\(SQL.identifier(dataset.table))", snapshot: snapshot)
        let counted = rows.first?.integer("n") ?? -1
        let announced = registered.reduce(0) { $0 + $1.announcement.rows }
        guard counted != announced else { return }
        report.fault(
            .rawTables, "raw.\(dataset.table)", "has \(counted) rows, where the ledger's objects have \(announced)")
    }

    /// In each file every offset of its range is there at most once, and none outside of it.
    private func auditOffsets(_ registered: [LedgerObject], into report: inout VerificationReport)
        async throws(CatalogError)
    {
        // Some hundred paths make a statement of a size that the engine reads quickly.
        let width = 200
        for start in stride(from: 0, to: registered.count, by: width) {
            var present: [LedgerObject] = []
            for object in registered[start..<min(start + width, registered.count)] {
                // A missing object is the object audit's to tell.
                if let size = try? await raw.size(of: object.announcement.key), size > 0 { present.append(object) }
            }
            guard !present.isEmpty else { continue }
            let files = present.map { SQL.literal($0.location) }.joined(separator: ", ")
            let byLocation = Dictionary(present.map { ($0.location, $0.announcement) }) { first, _ in first }
            do throws(CatalogError) {
                let rows = try await engine.run(
                    """
                    SELECT filename, count(*) AS n, count(DISTINCT _offset) AS offsets, min(_offset) AS low,
                        max(_offset) AS high, min(_partition) AS low_partition, max(_partition) AS high_partition
                    FROM read_parquet([\(files)], filename = true, union_by_name = true) GROUP BY filename
                    """, doing: "read the offsets of raw objects")
                for row in rows { checkOffsets(row, byLocation, into: &report) }
            } catch {
                report.fault(.rawTables, present[0].announcement.key, "cannot be read, or one after it: \(error.cause)")
            }
        }
    }

    private func checkOffsets(
        _ row: Row, _ byLocation: [String: Announcement], into report: inout VerificationReport
    ) {
        guard let file = row.text("filename"), let announcement = byLocation[file], let count = row.integer("n"),
            let offsets = row.integer("offsets"), let low = row.integer("low"), let high = row.integer("high")
        else { return }
        if offsets != count { report.fault(.rawTables, announcement.key, "has \(count - offsets) offsets twice") }
        if low < announcement.start || high >= announcement.end {
            report.fault(.rawTables, announcement.key, "has offsets outside of its range, \(low) to \(high)")
        }
        if row.integer("low_partition") != Int64(announcement.partition)
            || row.integer("high_partition") != Int64(announcement.partition)
        {
            report.fault(.rawTables, announcement.key, "has rows of another partition")
        }
    }
}
