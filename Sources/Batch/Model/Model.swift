import MarketData

/// A refined table and the SELECT that computes one trading day of it: a `.sql` with a `.yml` beside it.
public struct Model: Hashable, Sendable {
    public let table: TableName
    public let description: String
    /// In the order in which they are written. `trading_day` is one of them.
    public let columns: [ModelColumn]
    /// The columns whose values together are unique, in the order by which rows are sorted.
    public let grain: [String]
    /// What the query reads: raw tables and other models.
    public let sources: [TableName]
    /// How many days before its own a day's rows read.
    public let reachDays: Int
    /// Where the table can be computed in pieces of a day, the piece.
    public let window: Window?
    public let due: Due
    /// How often an open day is computed, at most; nil where only closed days are.
    public let refresh: Duration?
    public let checks: [Check]
    public let examples: [Example]
    /// One SELECT, without a semicolon at its end.
    public let query: String

    public var name: String { table.description }

    /// Rows of one window depend only on the source rows whose time lies in it.
    public struct Window: Hashable, Sendable {
        /// The model's column that holds the window's start.
        public let column: String
        /// The sources' column that says in which window a row lies.
        public let of: String
        public let lengthInMicroseconds: Int64

        public init(column: String, of: String, lengthInMicroseconds: Int64) {
            self.column = column
            self.of = of
            self.lengthInMicroseconds = lengthInMicroseconds
        }

        /// The whole windows that hold the moments from `first` to `last`, both included.
        public func covering(_ first: Instant, _ last: Instant) -> Range<Instant> {
            let length = lengthInMicroseconds
            return Instant(
                microseconds: floor(first, to: length))..<Instant(microseconds: floor(last, to: length) + length)
        }

        private func floor(_ instant: Instant, to length: Int64) -> Int64 {
            let (quotient, remainder) = instant.microseconds.quotientAndRemainder(dividingBy: length)
            return (remainder < 0 ? quotient - 1 : quotient) * length
        }
    }

    /// When a closed day is computed.
    public enum Due: Hashable, Sendable {
        /// As soon as the day is dirty.
        case onArrival
        /// So many minutes after midnight, in a time zone of the tz database, at the end of the day.
        case afterClose(minutes: Int, timeZone: String)
    }

    public init(
        table: TableName, description: String, columns: [ModelColumn], grain: [String], sources: [TableName],
        reachDays: Int = 0, window: Window? = nil, due: Due = .onArrival, refresh: Duration? = nil,
        checks: [Check] = [], examples: [Example] = [], query: String
    ) {
        self.table = table
        self.description = description
        self.columns = columns
        self.grain = grain
        self.sources = sources
        self.reachDays = reachDays
        self.window = window
        self.due = due
        self.refresh = refresh
        self.checks = checks
        self.examples = examples
        self.query = query
    }
}

public struct ModelColumn: Hashable, Sendable {
    public let name: String
    public let type: ModelColumnType
    public let isNullable: Bool
    public let description: String

    public init(_ name: String, _ type: ModelColumnType, nullable: Bool = false, _ description: String) {
        self.name = name
        self.type = type
        self.isNullable = nullable
        self.description = description
    }
}

/// A dataset's types, and `double` for averages and ratios.
public enum ModelColumnType: String, Hashable, Sendable, CaseIterable {
    case text, integer, decimal, instant, day, boolean, double

    public var sql: String {
        switch self {
        case .text: "VARCHAR"
        case .integer: "BIGINT"
        case .decimal: "DECIMAL(38,18)"
        case .instant: "TIMESTAMP WITH TIME ZONE"
        case .day: "DATE"
        case .boolean: "BOOLEAN"
        case .double: "DOUBLE"
        }
    }
}

/// What must hold of a day's rows before they are published. That columns not marked nullable hold no null is checked
/// of every model.
public enum Check: Hashable, Sendable {
    case notEmpty
    /// The grain's columns are unique.
    case uniqueGrain
    /// An SQL expression over one row that is true for each; null counts as false.
    case holds(name: String, expression: String)
}

/// Rows that go in, by source, and the rows of `day` that come out, in any order. A column left out is null, but
/// `trading_day`, which is the example's day.
public struct Example: Hashable, Sendable {
    public typealias Row = [String: String?]

    public let name: String
    public let day: Day
    public let given: [TableName: [Row]]
    public let expected: [Row]

    public init(name: String, day: Day, given: [TableName: [Row]], expected: [Row]) {
        self.name = name
        self.day = day
        self.given = given
        self.expected = expected
    }
}
