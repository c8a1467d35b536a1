import Lake
import MarketData
import Warehouse

/// Holds the catalog's raw tables against the ledger: each registered object is in its table once, by itself or in a
/// compacted file, and nothing else is.
struct RawTableAudit {
    let catalog: Catalog
    let snapshot: Int64
    let scope: VerificationScope
    private let compacted: [CompactedFile]
    /// Where the rows of a compacted object are, by its key.
    private let places: [String: String]

    init(catalog: Catalog, snapshot: Int64, scope: VerificationScope, compacted: [CompactedFile]) {
        self.catalog = catalog
        self.snapshot = snapshot
        self.scope = scope
        self.compacted = compacted
        var places: [String: String] = [:]
        for file in compacted { for key in file.inputs { places[key] = file.location } }
        self.places = places
    }

    private func place(of object: LedgerObject) -> String { places[object.announcement.key] ?? object.location }

    func audit(_ objects: [LedgerObject], into report: inout VerificationReport) async throws(CatalogError) {
        let tables = try await tables(into: &report)
        for dataset in Datasets.all {
            let registered = objects.filter { $0.announcement.dataset == dataset.name && $0.status == .registered }
            let table = tables[dataset.table] ?? Contents()
            auditFiles(of: dataset, table.files, registered, into: &report)
            auditCount(of: dataset, table.rows, registered, into: &report)
            if scope.full, !registered.isEmpty || table.rows ?? 0 > 0 {
                await auditDays(of: dataset, registered, into: &report)
            }
        }
        for object in objects where Datasets.named(object.announcement.dataset) == nil {
            report.unproven(
                .rawTables, object.announcement.key, "is of the dataset \(object.announcement.dataset), unknown here")
        }
    }

    private struct Contents {
        var files: [String] = []
        /// nil where they cannot be counted.
        var rows: Int64?
    }

    /// What each table reads, in two runs of the engine.
    private func tables(into report: inout VerificationReport) async throws(CatalogError) -> [String: Contents] {
        let files = Datasets.all.map { dataset in
            let name = SQL.literal(dataset.table)
            return "SELECT \(name) AS name, data_file FROM ducklake_list_files('lake', \(name), schema => 'raw')"
        }
        let counts = Datasets.all.map { dataset in
            "SELECT \(SQL.literal(dataset.table)) AS name, count(*) AS n FROM lake.raw.\(SQL.identifier(dataset.table))"
        }
        var tables: [String: Contents] = [:]
        for row in try await rows(files) {
            guard let name = row.text("name"), let file = row.text("data_file") else { continue }
            tables[name, default: Contents()].files.append(file)
        }
        do throws(CatalogError) {
            for row in try await rows(counts) {
                guard let name = row.text("name") else { continue }
                tables[name, default: Contents()].rows = row.integer("n")
            }
        } catch {
            // A file that is gone stops the count.
            report.fault(.rawTables, "raw", "the tables cannot be counted: \(error.cause)")
        }
        return tables
    }

    private func rows(_ selects: [String]) async throws(CatalogError) -> [Row] {
        try await catalog.rows(selects.joined(separator: "\nUNION ALL\n") + ";", snapshot: snapshot)
    }

    private func auditFiles(
        of dataset: Dataset, _ files: [String], _ registered: [LedgerObject], into report: inout VerificationReport
    ) {
        let table = "raw.\(dataset.table)"
        var expected = Set(registered.map(place))
        expected.formUnion(compacted.filter { $0.dataset == dataset.name }.map(\.location))
        report.checked(.rawTables, Int64(files.count))
        var seen: Set<String> = []
        for file in files {
            if !seen.insert(file).inserted {
                report.fault(.rawTables, table, "reads \(file) twice")
            } else if expected.remove(file) == nil {
                report.fault(.rawTables, table, "reads \(file), which the ledger does not have")
            }
        }
        for missing in expected.sorted() {
            report.fault(.rawTables, table, "does not read \(missing), which the ledger has")
        }
    }

    private func auditCount(
        of dataset: Dataset, _ counted: Int64?, _ registered: [LedgerObject], into report: inout VerificationReport
    ) {
        let announced = registered.map(\.announcement.rows).clampedSum()
        guard let counted, counted != announced else { return }
        report.fault(
            .rawTables, "raw.\(dataset.table)", "has \(counted) rows, where the ledger's objects have \(announced)")
    }

    /// What the table gives of each file and day is what was announced: no row of it was changed or deleted in the
    /// table, and no row is in the table without a file.
    private func auditDays(of dataset: Dataset, _ registered: [LedgerObject], into report: inout VerificationReport)
        async
    {
        let table = "raw.\(dataset.table)"
        var expected: [FileDay: Int64] = [:]
        for object in registered {
            for content in object.announcement.days where content.day >= scope.since ?? content.day {
                let place = FileDay(file: place(of: object), day: "\(content.day)")
                expected[place] = (expected[place] ?? 0).addingClamped(content.rows)
            }
        }
        do throws(CatalogError) {
            let rows = try await catalog.rows(
                """
                SELECT filename AS file, trading_day AS day, count(*) AS n
                FROM lake.raw.\(SQL.identifier(dataset.table)) \(scope.filter) GROUP BY ALL ORDER BY ALL
                """, snapshot: snapshot)
            for row in rows {
                let place = FileDay(file: row.text("file") ?? "", day: row.text("day") ?? "")
                let announced = expected.removeValue(forKey: place) ?? 0
                guard let count = row.integer("n"), count != announced else { continue }
                report.fault(
                    .rawTables, table,
                    "gives \(count) rows of \(place.day) from \(place.file), where \(announced) were announced")
            }
            for (place, announced) in expected.sorted(by: { "\($0.key)" < "\($1.key)" }) {
                report.fault(
                    .rawTables, table,
                    "gives no row of \(place.day) from \(place.file), where \(announced) were announced")
            }
        } catch {
            report.fault(.rawTables, table, "cannot be read: \(error.cause)")
        }
    }
}

/// A file of a table, and one of the days in it.
struct FileDay: Hashable {
    let file: String
    let day: String
}

extension VerificationScope {
    /// A WHERE over a table's trading days; empty for all.
    var filter: String { since.map { "WHERE trading_day >= \(SQL.literal($0))" } ?? "" }
}
