import MarketData
import Warehouse

/// The SQL that computes one day of a model from given files: what runs, examples and verification share.
///
/// It reads the files it is given and no other.
public struct ModelScript: Sendable {
    /// Which part of the day is computed.
    public enum Extent: Hashable, Sendable {
        case wholeDay
        /// Only these windows; the other rows are taken from the file that holds the day as published.
        case windows(Range<Instant>, published: String)
    }

    public let model: Model
    public let day: Day
    /// By source, the files' locations as the engine names them.
    public let files: [TableName: [String]]
    public let extent: Extent
    private let models: Models

    public init(
        model: Model, of models: Models, day: Day, files: [TableName: [String]], extent: Extent = .wholeDay
    ) {
        self.model = model
        self.models = models
        self.day = day
        self.files = files
        self.extent = extent
    }

    /// Statements that make each source a view of its schema, cut to the days that the model sees.
    public func sourceStatements() -> String {
        let first = day.adding(days: -model.reachDays)
        return Self.statements(sources: model.sources) { source in
            let columns = models.columns(of: source)
            var conditions: [String] = []
            if columns.contains(where: { $0.name == "trading_day" }) {
                conditions.append(
                    "\"trading_day\" BETWEEN \(SQL.literal(first)) AND \(SQL.literal(day))")
            }
            if case .windows(let range, _) = extent, let window = model.window {
                conditions.append(SQLText.isIn(range, column: window.of))
            }
            let condition = conditions.isEmpty ? "true" : conditions.joined(separator: " AND ")
            return """
                SELECT * FROM (
                \(SQLText.relation(files: files[source] ?? [], columns: columns))
                ) WHERE \(condition)
                """
        }
    }

    /// Session settings, then a view for each source.
    static func statements(sources: [TableName], relation: (TableName) -> String) -> String {
        let schemas = Set(sources.map(\.schema)).sorted()
        let created = schemas.map { "CREATE SCHEMA IF NOT EXISTS \(SQL.identifier($0));" }
        let views = sources.map { "CREATE OR REPLACE VIEW \(SQLText.table($0)) AS\n\(relation($0));" }
        return (["SET TimeZone = 'UTC';"] + created + views).joined(separator: "\n")
    }

    /// A SELECT of the day's rows: the declared columns, cast to the declared types, unordered.
    public func rows() -> String {
        let names = SQLText.list(model.columns.map { SQL.identifier($0.name) })
        let cast = SQLText.list(
            model.columns.map {
                "CAST(\(SQL.identifier($0.name)) AS \($0.type.sql)) AS \(SQL.identifier($0.name))"
            })
        let computed = """
            SELECT \(cast) FROM (
            \(model.query)
            ) AS computed WHERE "trading_day" = \(SQL.literal(day))
            """
        guard case .windows(let range, let published) = extent, let window = model.window else { return computed }
        let inside = SQLText.isIn(range, column: window.column)
        let columns = model.columns.map { SourceColumn(name: $0.name, type: $0.type.sql) }
        return """
            SELECT \(names) FROM (
            \(computed)
            ) WHERE \(inside)
            UNION ALL
            SELECT \(names) FROM (
            \(SQLText.relation(files: [published], columns: columns))
            ) WHERE NOT \(inside)
            """
    }

    /// Statements that write the rows, sorted by the grain, to a new Parquet file.
    public func write(to path: String) -> String {
        // Where no check makes the grain unique, the other columns decide, so that rows always come out in one order.
        let rest =
            model.checks.contains(.uniqueGrain)
            ? [] : model.columns.map(\.name).filter { !model.grain.contains($0) }
        return """
            \(sourceStatements())
            COPY (
            SELECT * FROM (
            \(rows())
            ) ORDER BY \(SQLText.list((model.grain + rest).map(SQL.identifier)))
            ) TO \(SQL.literal(path)) (FORMAT parquet, COMPRESSION zstd);
            """
    }
}
