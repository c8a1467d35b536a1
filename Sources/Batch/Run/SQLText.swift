import MarketData

/// Names and literals as SQL writes them.
enum SQLText {
    static func identifier(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    static func string(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

    static func table(_ name: TableName) -> String { "\(identifier(name.schema)).\(identifier(name.table))" }

    static func day(_ day: Day) -> String { "DATE '\(day)'" }

    static func instant(_ instant: Instant) -> String { "TIMESTAMPTZ '\(instant)'" }

    static func list(_ items: some Sequence<String>) -> String { items.joined(separator: ", ") }

    /// Whether `column` lies in one of the half-open ranges.
    static func isIn(_ ranges: [Range<Instant>], column: String) -> String {
        let name = identifier(column)
        let within = { (range: Range<Instant>) in
            "(\(name) >= \(instant(range.lowerBound)) AND \(name) < \(instant(range.upperBound)))"
        }
        guard let first = ranges.map(\.lowerBound).min(), let last = ranges.map(\.upperBound).max() else {
            return "false"
        }
        // Parquet's statistics are asked about a range, not about alternatives: the hull lets row groups be skipped.
        return ranges.count == 1
            ? within(first..<last)
            : "(\(within(first..<last)) AND (\(ranges.map(within).joined(separator: " OR "))))"
    }

    /// A relation of literal rows; a column that a row lacks is null.
    static func relation(rows: [[String: String?]], columns: [SourceColumn]) -> String {
        guard !rows.isEmpty else { return relation(files: [], columns: columns) }
        let selects = rows.map { row in
            let values = columns.map { column in
                let text = (row[column.name] ?? nil).map(string) ?? "NULL"
                return "CAST(\(text) AS \(column.type)) AS \(identifier(column.name))"
            }
            return "SELECT \(list(values))"
        }
        return selects.joined(separator: "\nUNION ALL\n")
    }

    /// A relation over Parquet files in which a column that no file has is null, and other columns are left out.
    static func relation(files: [String], columns: [SourceColumn]) -> String {
        let empty = columns.map { "CAST(NULL AS \($0.type)) AS \(identifier($0.name))" }
        let names = list(columns.map { identifier($0.name) })
        guard !files.isEmpty else { return "SELECT \(list(empty)) WHERE false" }
        // Folders are named dt=… and trading_day=…: without the setting their values would become columns.
        return """
            SELECT \(names) FROM (
            SELECT \(list(empty)) WHERE false
            UNION ALL BY NAME
            SELECT * FROM read_parquet([\(list(files.map(string)))], union_by_name = true, hive_partitioning = false)
            )
            """
    }
}
