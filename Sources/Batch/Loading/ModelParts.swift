import Foundation
import MarketData
import YAML

/// The fields of a model's `.yml`, read one after the other.
struct ModelParts {
    let fields: [String: YAMLNode]
    let name: String
    private(set) var table: TableName?
    private(set) var description = ""
    private(set) var columns: [ModelColumn] = []
    private(set) var grain: [String] = []
    private(set) var sources: [(table: TableName, mark: YAMLMark)] = []
    private(set) var reachDays = 0
    private(set) var window: Model.Window?
    private(set) var due = Model.Due.onArrival
    private(set) var refresh: Duration?
    private(set) var checks: [Check] = []
    var examples: [Example] = []
    var givenColumns: [TableName: [(column: String, mark: YAMLMark)]] = [:]

    private static let microsecondsPerDay: Int64 = 86_400_000_000

    init(fields: [String: YAMLNode], name: String) {
        self.fields = fields
        self.name = name
    }

    mutating func readAll(_ reader: inout DocumentReader) {
        readTable(&reader)
        description = reader.text(fields["description"], "description") ?? ""
        readColumns(&reader)
        readPartitionsAndGrain(&reader)
        readSources(&reader)
        readReach(&reader)
        readWindow(&reader)
        readDue(&reader)
        readRefresh(&reader)
        readChecks(&reader)
        readExamples(&reader)
    }

    private mutating func readTable(_ reader: inout DocumentReader) {
        guard let node = fields["table"], let text = reader.text(node, "table"),
            let read = reader.table(text, node.mark)
        else { return }
        if ["raw", "pregao"].contains(read.schema) {
            reader.fault(node.mark, "the schema \(read.schema) is not for models")
        }
        if read.table != name { reader.fault(node.mark, "the table \(read.table) must be in \(read.table).yml") }
        table = read
    }

    private mutating func readColumns(_ reader: inout DocumentReader) {
        guard let node = fields["columns"], let items = reader.sequence(node, "columns") else { return }
        for item in items {
            guard
                let entry = reader.mapping(
                    item, "a column", required: ["name", "type", "description"], optional: ["nullable"]),
                let name = reader.text(entry["name"], "name"), let typeNode = entry["type"],
                let typeText = reader.text(typeNode, "type"),
                let text = reader.text(entry["description"], "description")
            else { continue }
            let type = ModelColumnType(rawValue: typeText)
            if type == nil {
                let known = ModelColumnType.allCases.map(\.rawValue).joined(separator: ", ")
                reader.fault(typeNode.mark, "\(typeText) is no type; types are \(known)")
            }
            if !TableName.isIdentifier(name) {
                reader.fault(item.mark, "a column's name is of lower-case letters, digits and underscores: \(name)")
            }
            if columns.contains(where: { $0.name == name }) {
                reader.fault(item.mark, "the column \(name) comes twice")
            }
            if let nullable = entry["nullable"], nullable.boolean == nil {
                reader.fault(nullable.mark, "nullable must be true or false")
            }
            columns.append(
                ModelColumn(name, type ?? .text, nullable: entry["nullable"]?.boolean ?? false, text))
        }
        if columns.first(where: { $0.name == "trading_day" })?.type != .day {
            reader.fault(node.mark, "a model has a column trading_day of type day")
        }
    }

    private mutating func readPartitionsAndGrain(_ reader: inout DocumentReader) {
        if let node = fields["partitions"], let partitions = reader.texts(node, "partitions"),
            partitions.map(\.text) != ["trading_day"]
        {
            reader.fault(node.mark, "partitions must be [trading_day]: a table is replaced by the day")
        }
        for (name, mark) in reader.texts(fields["grain"], "grain") ?? [] {
            if grain.contains(name) { reader.fault(mark, "\(name) comes twice in the grain") }
            if let column = columns.first(where: { $0.name == name }) {
                if column.isNullable { reader.fault(mark, "\(name) is nullable, so it cannot be in the grain") }
            } else {
                reader.fault(mark, "there is no column \(name)")
            }
            grain.append(name)
        }
    }

    private mutating func readSources(_ reader: inout DocumentReader) {
        for (text, mark) in reader.texts(fields["sources"], "sources") ?? [] {
            guard let source = reader.table(text, mark) else { continue }
            if source == table { reader.fault(mark, "a model cannot read itself") }
            if sources.contains(where: { $0.table == source }) { reader.fault(mark, "\(source) comes twice") }
            sources.append((source, mark))
        }
    }

    private mutating func readReach(_ reader: inout DocumentReader) {
        guard let node = fields["reach"], let length = reader.microseconds(node, "reach") else { return }
        if length % Self.microsecondsPerDay != 0 { reader.fault(node.mark, "reach must be whole days") }
        reachDays = Int(length / Self.microsecondsPerDay)
    }

    private mutating func readWindow(_ reader: inout DocumentReader) {
        guard let node = fields["window"],
            let entry = reader.mapping(node, "window", required: ["column", "of", "length"]),
            let column = reader.text(entry["column"], "column"), let of = reader.text(entry["of"], "of"),
            let length = reader.microseconds(entry["length"], "length")
        else { return }
        if length == 0 || Self.microsecondsPerDay % max(length, 1) != 0 {
            reader.fault(node.mark, "a window's length must divide a day, so that no window crosses midnight")
        }
        if columns.first(where: { $0.name == column })?.type != .instant {
            reader.fault(node.mark, "the window's column \(column) must be a column of type instant")
        }
        if reachDays > 0 { reader.fault(node.mark, "a model that reaches back has no windows of its own day") }
        for (source, mark) in sources {
            let dataset = SourceColumns.dataset(of: source)
            if dataset?.tradingDay.column == of || (source.isRaw && dataset == nil) { continue }
            reader.fault(mark, "windows are of a raw table's trading-day column; \(of) is not \(source)'s")
        }
        window = Model.Window(column: column, of: of, lengthInMicroseconds: length)
    }

    private mutating func readDue(_ reader: inout DocumentReader) {
        guard let node = fields["due"], let text = reader.text(node, "due"), text != "on-arrival" else { return }
        let parts = text.split(separator: " ", maxSplits: 1)
        let time = parts.first?.split(separator: ":") ?? []
        guard parts.count == 2, time.count == 2, time.allSatisfy({ $0.count == 2 }), let hour = Int(time[0]),
            let minute = Int(time[1]), (0..<24).contains(hour), (0..<60).contains(minute),
            TimeZone(identifier: String(parts[1])) != nil
        else {
            reader.fault(node.mark, "due must be on-arrival, or a time and a time zone, such as 00:05 UTC: \(text)")
            return
        }
        due = .afterClose(minutes: hour * 60 + minute, timeZone: String(parts[1]))
    }

    private mutating func readRefresh(_ reader: inout DocumentReader) {
        guard let node = fields["refresh"], let length = reader.microseconds(node, "refresh") else { return }
        if length == 0 { reader.fault(node.mark, "refresh must be longer than nothing") }
        refresh = .microseconds(length)
    }

    private mutating func readChecks(_ reader: inout DocumentReader) {
        guard let node = fields["checks"], let items = reader.sequence(node, "checks") else { return }
        for item in items {
            switch item.text {
            case "not-empty": checks.append(.notEmpty)
            case "unique-grain": checks.append(.uniqueGrain)
            case let word?:
                reader.fault(item.mark, "\(word) is no check; write not-empty, unique-grain or {name, holds}")
            case nil:
                guard let entry = reader.mapping(item, "a check", required: ["name", "holds"]),
                    let name = reader.text(entry["name"], "name"), let holds = reader.text(entry["holds"], "holds")
                else { continue }
                checks.append(.holds(name: name, expression: holds))
            }
        }
    }
}
