/// A named, versioned list of typed columns.
///
/// One declaration gives the topic, the message key, the JSON form, the Parquet schema, the catalog table and the
/// trading day. Schemas grow by nullable columns only: a column is there from the version in which it came, and never
/// leaves.
public struct Dataset: Hashable, Sendable {
    /// Lower case with hyphens, as in topics and object names: `index-portfolio`.
    public let name: String
    public let description: String
    public let columns: [Column]
    /// The column whose text is the message key.
    public let keyColumn: String
    public let tradingDay: TradingDayRule
    /// Filled by tasks of runs rather than by polls on a clock; its batches are short, since somebody waits for them.
    public let isFilledByRuns: Bool

    public init(
        name: String, description: String, keyColumn: String, tradingDay: TradingDayRule, isFilledByRuns: Bool = false,
        columns: [Column]
    ) {
        self.name = name
        self.description = description
        self.keyColumn = keyColumn
        self.tradingDay = tradingDay
        self.isFilledByRuns = isFilledByRuns
        self.columns = columns
    }

    /// The newest version: that of the youngest column.
    public var version: Int { columns.map(\.since).max() ?? 1 }

    /// `pregao.quotes`
    public var topic: String { "pregao.\(name)" }

    /// The table's name in the catalog's schema `raw`: `index_portfolio`.
    public var table: String { String(name.map { $0 == "-" ? "_" : $0 }) }

    /// The columns that a message or file of the given version has.
    public func columns(ofVersion version: Int) -> [Column] { columns.filter { $0.since <= version } }
}

public struct Column: Hashable, Sendable {
    public let name: String
    public let type: ColumnType
    public let isNullable: Bool
    /// The dataset's version in which the column came. A column later than 1 is nullable.
    public let since: Int
    public let description: String

    public init(_ name: String, _ type: ColumnType, nullable: Bool = false, since: Int = 1, _ description: String) {
        precondition(since == 1 || nullable, "a dataset grows by nullable columns only")
        self.name = name
        self.type = type
        self.isNullable = nullable
        self.since = since
        self.description = description
    }
}

/// | type | JSON | Parquet | SQL |
/// |---|---|---|---|
/// | text | string | BYTE_ARRAY, String | VARCHAR |
/// | integer | number | INT64 | BIGINT |
/// | decimal | string, plain notation | FIXED_LEN_BYTE_ARRAY(16), Decimal(38,18) | DECIMAL(38,18) |
/// | instant | string, RFC 3339 UTC with microseconds | INT64, Timestamp(UTC, micros) | TIMESTAMP WITH TIME ZONE |
/// | day | string, `YYYY-MM-DD` | INT32, Date | DATE |
/// | boolean | true, false | BOOLEAN | BOOLEAN |
public enum ColumnType: String, Hashable, Sendable, CaseIterable {
    case text, integer, decimal, instant, day, boolean
}

/// Which column tells an observation's trading day, and in which time zone its clock is read.
public struct TradingDayRule: Hashable, Sendable {
    public let column: String
    /// The tz database's name.
    public let timeZone: String

    public init(column: String, timeZone: String = "UTC") {
        self.column = column
        self.timeZone = timeZone
    }
}
