import YAML

/// Takes values out of YAML nodes and collects what is wrong with them, with its place.
struct DocumentReader {
    let file: String
    private(set) var faults: [ModelFault] = []

    init(file: String) { self.file = file }

    mutating func fault(_ mark: YAMLMark, _ reason: String) {
        faults.append(ModelFault(file: file, line: mark.line, column: mark.column, reason: reason))
    }

    /// A mapping's values by key. Unknown keys and missing required ones are faults.
    mutating func mapping(_ node: YAMLNode, _ what: String, required: [String], optional: [String] = [])
        -> [String: YAMLNode]?
    {
        guard let entries = entries(node, what) else { return nil }
        var found: [String: YAMLNode] = [:]
        for entry in entries {
            if required.contains(entry.key) || optional.contains(entry.key) {
                found[entry.key] = entry.value
            } else {
                let known = (required + optional).joined(separator: ", ")
                fault(entry.keyMark, "\(what) has no \(entry.key); it has \(known)")
            }
        }
        for key in required where found[key] == nil { fault(node.mark, "\(what) lacks \(key)") }
        return found
    }

    mutating func entries(_ node: YAMLNode, _ what: String) -> [YAMLEntry]? {
        if node.entries == nil { fault(node.mark, "\(what) must be a mapping") }
        return node.entries
    }

    mutating func sequence(_ node: YAMLNode, _ what: String) -> [YAMLNode]? {
        if node.elements == nil { fault(node.mark, "\(what) must be a list") }
        return node.elements
    }

    mutating func text(_ node: YAMLNode?, _ what: String) -> String? {
        guard let node else { return nil }
        guard let text = node.text, !text.isEmpty else {
            fault(node.mark, "\(what) must be text")
            return nil
        }
        return text
    }

    mutating func texts(_ node: YAMLNode?, _ what: String) -> [(text: String, mark: YAMLMark)]? {
        guard let node, let items = sequence(node, what) else { return nil }
        if items.isEmpty { fault(node.mark, "\(what) must not be empty") }
        return items.compactMap { item in text(item, "each of \(what)").map { (text: $0, mark: item.mark) } }
    }

    mutating func table(_ text: String, _ mark: YAMLMark) -> TableName? {
        let table = TableName(text)
        if table == nil {
            fault(mark, "\(text) is not <schema>.<table> in lower-case letters, digits and underscores")
        }
        return table
    }

    /// `<number> <unit>`, such as `5 minutes`.
    mutating func microseconds(_ node: YAMLNode?, _ what: String) -> Int64? {
        guard let node, let text = text(node, what) else { return nil }
        let units: [String: Int64] = ["second": 1, "minute": 60, "hour": 3600, "day": 86_400]
        let parts = text.split(separator: " ")
        guard parts.count == 2, let number = Int64(parts[0]), (0...1_000_000).contains(number),
            let unit = units[String(parts[1].hasSuffix("s") ? parts[1].dropLast() : parts[1])]
        else {
            fault(node.mark, "\(what) must be a number and a unit (seconds, minutes, hours, days): \(text)")
            return nil
        }
        return number * unit * 1_000_000
    }
}
