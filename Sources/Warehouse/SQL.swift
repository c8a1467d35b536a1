import MarketData

/// Writes values into SQL text: the one place where names and texts are quoted.
public enum SQL {
    /// A text literal. SQL text cannot hold a NUL, so that one is spliced in by its number.
    public static func literal(_ text: String) -> String {
        let parts = text.split(separator: "\0", omittingEmptySubsequences: false).map { "'\(doubling("'", in: $0))'" }
        return parts.count == 1 ? parts[0] : "(\(parts.joined(separator: " || chr(0) || ")))"
    }

    /// A text literal, or NULL.
    public static func literal(_ text: String?) -> String { text.map { literal($0) } ?? "NULL" }

    public static func literal(_ instant: Instant) -> String { "make_timestamptz(\(instant.microseconds))" }

    public static func literal(_ day: Day) -> String { "DATE '\(day)'" }

    /// A name as an identifier, whatever it holds; a NUL, which no name can have, is left out.
    public static func identifier(_ name: String) -> String {
        "\"\(doubling("\"", in: name.filter { $0 != "\0" }))\""
    }

    /// `('a', 'b')`; an empty list is `(NULL)`, which nothing is in.
    static func list(_ texts: some Sequence<String>) -> String {
        let items = texts.map { literal($0) }
        return items.isEmpty ? "(NULL)" : "(\(items.joined(separator: ", ")))"
    }

    /// Whether a column of a ledger's table is one of these texts.
    ///
    /// DuckLake looks a column that is compared with a value up in its files' statistics, and in SQLite it reads those
    /// of every table for that: among a million files it takes longer than the rest of a transaction. The ledger's
    /// tables have rows and no file. Comparisons of rows, as here, DuckLake leaves to the engine.
    static func ledger(_ column: String, among texts: some Sequence<String>) -> String {
        let values = texts.map { "row(\(literal($0)))" }
        return values.isEmpty ? "false" : "row(\(column)) IN (\(values.joined(separator: ", ")))"
    }

    /// Whether a ledger's row is of these days; as ``ledger(_:among:)`` asks.
    static func ledger(_ column: String, in days: ClosedRange<Day>) -> String {
        let width = days.upperBound.daysSinceEpoch - days.lowerBound.daysSinceEpoch
        return "datediff('day', \(literal(days.lowerBound)), \(column)) BETWEEN 0 AND \(width)"
    }

    /// Whether a row of a ledger's table is of one of these models' days; as ``ledger(_:among:)`` asks.
    static func ledger(ofModelDays days: some Sequence<ModelDay>) -> String {
        let values = days.map { "(\(literal($0.model)), \(literal($0.day)))" }
        return values.isEmpty ? "false" : "(model, trading_day) IN (\(values.joined(separator: ", ")))"
    }

    /// Whether the engine would read the location as a pattern: it has no way to say that it is meant as it is.
    static func hasWildcard(_ location: String) -> Bool { location.contains { "*?[".contains($0) } }

    private static func doubling(_ quote: Unicode.Scalar, in text: some StringProtocol) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(scalar)
            if scalar == quote { result.append(scalar) }
        }
        return String(result)
    }
}

extension ColumnType {
    /// The type's name in SQL.
    public var sqlName: String {
        switch self {
        case .text: "VARCHAR"
        case .integer: "BIGINT"
        case .decimal: "DECIMAL(38,18)"
        case .instant: "TIMESTAMP WITH TIME ZONE"
        case .day: "DATE"
        case .boolean: "BOOLEAN"
        }
    }
}
