/// One column's value.
public enum Value: Hashable, Sendable {
    case null
    case text(String)
    case integer(Int64)
    case decimal(Decimal)
    case instant(Instant)
    case day(Day)
    case boolean(Bool)
}

/// One row of a dataset, before it is written: its values in the order of the dataset's columns.
public struct Observation: Hashable, Sendable {
    public let dataset: Dataset
    public let values: [Value]

    /// Every column of the dataset's newest version, in order; `trading_day` is computed here, from the dataset's rule.
    ///
    /// - Throws: ``ObservationFault`` where a column that may not be null is missing, a value is of another type, a
    ///   time lies outside ``Instant/plausible``, or a name is not the dataset's.
    public init(_ dataset: Dataset, _ named: [String: Value]) throws(ObservationFault) {
        var named = named
        if named["trading_day"] == nil, case .instant(let instant) = named[dataset.tradingDay.column] ?? .null {
            named["trading_day"] = .day(TradingDay.of(instant, in: dataset.tradingDay.timeZone))
        }
        var values: [Value] = []
        values.reserveCapacity(dataset.columns.count)
        for column in dataset.columns {
            let value = named.removeValue(forKey: column.name) ?? .null
            if let reason = column.rejects(value) { throw ObservationFault(column: column.name, reason: reason) }
            values.append(value)
        }
        if let stranger = named.keys.sorted().first { throw ObservationFault(column: stranger, reason: .unknownColumn) }
        self.dataset = dataset
        self.values = values
    }

    /// The same from the values of every column in the dataset's order, `trading_day` among them; nothing is looked up
    /// by name, as a path of many observations needs.
    ///
    /// - Throws: ``ObservationFault`` as above, also where there are more or fewer values than columns.
    public init(_ dataset: Dataset, inOrder values: [Value]) throws(ObservationFault) {
        guard values.count == dataset.columns.count else {
            let column = values.count < dataset.columns.count ? dataset.columns[values.count].name : "after the last"
            throw ObservationFault(
                column: column, reason: values.count < dataset.columns.count ? .missing : .unknownColumn)
        }
        for (column, value) in zip(dataset.columns, values) {
            if let reason = column.rejects(value) { throw ObservationFault(column: column.name, reason: reason) }
        }
        self.dataset = dataset
        self.values = values
    }

    public subscript(_ column: String) -> Value {
        guard let index = dataset.columns.firstIndex(where: { $0.name == column }) else { return .null }
        return values[index]
    }
}

/// Why values are not an observation of their dataset.
public struct ObservationFault: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Hashable, Sendable {
        case missing, wrongType, implausibleTime, unknownColumn
    }

    public let column: String
    public let reason: Reason

    public var description: String { "column \(column): \(reason.rawValue)" }
}

extension Column {
    /// - Returns: why this column cannot hold `value`, or nil where it can.
    public func rejects(_ value: Value) -> ObservationFault.Reason? {
        switch (type, value) {
        case (_, .null): isNullable ? nil : .missing
        case (.instant, .instant(let instant)): Instant.plausible.contains(instant) ? nil : .implausibleTime
        case (.text, .text), (.integer, .integer), (.decimal, .decimal), (.day, .day), (.boolean, .boolean): nil
        default: .wrongType
        }
    }
}
