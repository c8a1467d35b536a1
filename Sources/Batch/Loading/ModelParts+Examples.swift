import MarketData
import YAML

extension ModelParts {
    mutating func readExamples(_ reader: inout DocumentReader) {
        guard let node = fields["examples"], let items = reader.sequence(node, "examples") else { return }
        if items.isEmpty { reader.fault(node.mark, "a model has at least one example") }
        for item in items {
            guard let entry = reader.mapping(item, "an example", required: ["name", "day", "given", "expect"]),
                let name = reader.text(entry["name"], "name"), let dayNode = entry["day"],
                let dayText = reader.text(dayNode, "day"), let givenNode = entry["given"],
                let givenEntries = reader.entries(givenNode, "given"), let expect = entry["expect"]
            else { continue }
            guard let day = Day(dayText) else {
                reader.fault(dayNode.mark, "a day is written YYYY-MM-DD: \(dayText)")
                continue
            }
            var given: [TableName: [Example.Row]] = [:]
            for source in givenEntries {
                guard let table = reader.table(source.key, source.keyMark) else { continue }
                if !sources.contains(where: { $0.table == table }) {
                    reader.fault(source.keyMark, "\(table) is not one of the model's sources")
                }
                given[table] = Self.rows(source.value, "rows of \(table)", &reader) { column, mark, _ in
                    givenColumns[table, default: []].append((column, mark))
                }
            }
            let known = Set(columns.map(\.name))
            let expected = Self.rows(expect, "expect", &reader) { column, mark, reader in
                if !known.contains(column) { reader.fault(mark, "there is no column \(column)") }
            }
            examples.append(Example(name: name, day: day, given: given, expected: expected))
        }
    }

    private static func rows(
        _ node: YAMLNode, _ what: String, _ reader: inout DocumentReader,
        check: (String, YAMLMark, inout DocumentReader) -> Void
    ) -> [Example.Row] {
        (reader.sequence(node, what) ?? []).map { item in
            var row: Example.Row = [:]
            for entry in reader.entries(item, "a row") ?? [] {
                check(entry.key, entry.keyMark, &reader)
                if entry.value.text == nil, !entry.value.isNull {
                    reader.fault(entry.value.mark, "a value is a scalar")
                }
                row.updateValue(entry.value.text, forKey: entry.key)
            }
            return row
        }
    }
}
