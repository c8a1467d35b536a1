import Batch
import MarketData
import Warehouse

/// Holds the catalog's refined tables against what was published.
struct RefinedTables {
    let catalog: Catalog
    let snapshot: Int64
    let scope: VerificationScope

    /// Of each file and day the table gives as many rows as were published, and none without a file: a row changed in
    /// the table is deleted from its file and kept elsewhere.
    ///
    /// The table's list of files says less: DuckLake keeps one in it whose rows have all been deleted, as those of a
    /// day's earlier versions are.
    func audit(_ model: Model, _ published: [PublishedDay], into report: inout VerificationReport) async {
        var expected: [FileDay: Int64] = [:]
        for day in published where day.day >= scope.since ?? day.day {
            if let path = day.path { expected[FileDay(file: path, day: "\(day.day)"), default: 0] += day.rows }
        }
        let table = "lake.\(SQL.identifier(model.table.schema)).\(SQL.identifier(model.table.table))"
        do throws(CatalogError) {
            let rows = try await catalog.rows(
                """
                SELECT filename AS file, trading_day AS day, count(*) AS n FROM \(table) \(scope.filter)
                GROUP BY ALL ORDER BY ALL
                """, snapshot: snapshot)
            for row in rows {
                let place = FileDay(file: row.text("file") ?? "", day: row.text("day") ?? "")
                let count = expected.removeValue(forKey: place) ?? 0
                guard let found = row.integer("n"), found != count else { continue }
                report.fault(
                    .refined, "\(model.name) \(place.day)",
                    "the table gives \(found) rows from \(place.file), where \(count) were published")
            }
            for (place, count) in expected.sorted(by: { "\($0.key)" < "\($1.key)" }) where count > 0 {
                report.fault(
                    .refined, "\(model.name) \(place.day)",
                    "the table gives no row from \(place.file), where \(count) were published")
            }
        } catch {
            report.fault(.refined, model.name, "cannot be read: \(error.cause)")
        }
    }
}
