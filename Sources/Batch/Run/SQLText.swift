import MarketData
import Warehouse

/// Pieces of SQL over files and rows.
enum SQLText {
    static func table(_ name: TableName) -> String { "\(SQL.identifier(name.schema)).\(SQL.identifier(name.table))" }

    static func list(_ items: some Sequence<String>) -> String { items.joined(separator: ", ") }

    /// Whether `column` lies in the half-open range.
    static func isIn(_ range: Range<Instant>, column: String) -> String {
        let name = SQL.identifier(column)
        return "(\(name) >= \(SQL.literal(range.lowerBound)) AND \(name) < \(SQL.literal(range.upperBound)))"
    }

    /// A relation of literal rows; a column that a row lacks is null.
    static func relation(rows: [[String: String?]], columns: [SourceColumn]) -> String {
        guard !rows.isEmpty else { return relation(files: [], columns: columns) }
        let selects = rows.map { row in
            let values = columns.map { column in
                let text = (row[column.name] ?? nil).map { SQL.literal($0) } ?? "NULL"
                return "CAST(\(text) AS \(column.type)) AS \(SQL.identifier(column.name))"
            }
            return "SELECT \(list(values))"
        }
        return selects.joined(separator: "\nUNION ALL\n")
    }

    /// A relation over Parquet files in which a column that no file has is null, and other columns are left out.
    static func relation(files: [String], columns: [SourceColumn]) -> String {
        let empty = columns.map { "CAST(NULL AS \($0.type)) AS \(SQL.identifier($0.name))" }
        let names = list(columns.map { SQL.identifier($0.name) })
        guard !files.isEmpty else { return "SELECT \(list(empty)) WHERE false" }
        // Folders are named dt=… and trading_day=…: without the setting their values would become columns.
        return """
            SELECT \(names) FROM (
            SELECT \(list(empty)) WHERE false
            UNION ALL BY NAME
            SELECT * FROM read_parquet([\(list(files.map { SQL.literal($0) }))], union_by_name = true, hive_partitioning = false)
            )
            """
    }
}
