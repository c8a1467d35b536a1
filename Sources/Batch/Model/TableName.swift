/// A table of the catalog, with its schema: `raw.quotes`, `refined.quotes_1m`.
public struct TableName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let schema: String
    public let table: String

    /// Reads `<schema>.<table>`; each part is a lower-case letter, then lower-case letters, digits and underscores.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy(Self.isIdentifier) else { return nil }
        schema = String(parts[0])
        table = String(parts[1])
    }

    public var description: String { "\(schema).\(table)" }

    public var isRaw: Bool { schema == "raw" }

    public static func < (left: TableName, right: TableName) -> Bool {
        (left.schema, left.table) < (right.schema, right.table)
    }

    static func isIdentifier(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
        }
    }
}
