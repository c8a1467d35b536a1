/// Rows under headings: aligned for people, or one JSON object a row for programs.
public struct Table: Sendable {
    public enum Cell: Sendable, CustomStringConvertible {
        case text(String)
        case number(Int64)
        case none

        public var description: String {
            switch self {
            case .text(let text): text
            case .number(let number): String(number)
            case .none: ""
            }
        }

        var isNumber: Bool { if case .number = self { true } else { false } }
    }

    public let columns: [String]
    public private(set) var rows: [[Cell]] = []

    public init(_ columns: [String]) { self.columns = columns }

    /// - Precondition: as many cells as columns.
    public mutating func append(_ cells: [Cell]) {
        precondition(cells.count == columns.count, "a row has a cell for each column")
        rows.append(cells)
    }

    /// Columns apart by two blanks, numbers to the right; control characters are shown as `?`, since a cell may hold
    /// what a source sent.
    public var text: String {
        let cells = rows.map { $0.map { Self.printable($0.description) } }
        let widths = columns.indices.map { column in
            max(columns[column].count, cells.map { $0[column].count }.max() ?? 0)
        }
        func line(_ texts: [String], _ right: [Bool]) -> String {
            let padded = texts.indices.map { column in
                let blanks = String(repeating: " ", count: widths[column] - texts[column].count)
                return right[column] ? blanks + texts[column] : texts[column] + blanks
            }
            var joined = padded.joined(separator: "  ")
            while joined.last == " " { joined.removeLast() }
            return joined
        }
        let right = columns.indices.map { column in rows.contains { $0[column].isNumber } }
        let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
        return ([line(columns, right), rule] + cells.map { line($0, right) }).joined(separator: "\n") + "\n"
    }

    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
