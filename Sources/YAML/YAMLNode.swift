/// A place in a YAML text; both numbers start at 1, columns count characters.
public struct YAMLMark: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let line: Int
    public let column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: YAMLMark, right: YAMLMark) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }

    /// `12:5`
    public var description: String { "\(line):\(column)" }
}

/// A value of a YAML document, with the place where it starts.
public struct YAMLNode: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        /// - Parameter isPlain: written without quotation marks and not as a block, so that it may mean null, a
        ///   number or a boolean.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// In the document's order; no key is there twice.
        case mapping([YAMLEntry])
    }

    public let content: Content
    public let mark: YAMLMark

    public init(_ content: Content, at mark: YAMLMark) {
        self.content = content
        self.mark = mark
    }
}

public struct YAMLEntry: Hashable, Sendable {
    public let key: String
    public let keyMark: YAMLMark
    public let value: YAMLNode

    public init(key: String, keyMark: YAMLMark, value: YAMLNode) {
        self.key = key
        self.keyMark = keyMark
        self.value = value
    }
}

/// Scalars mean what the core schema of YAML 1.2 says: `no` and `on` are texts, not booleans.
extension YAMLNode {
    /// A mapping's value; nil where it has no such key or this is no mapping.
    public subscript(_ key: String) -> YAMLNode? { entries?.first { $0.key == key }?.value }

    public var entries: [YAMLEntry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    public var elements: [YAMLNode]? {
        if case .sequence(let elements) = content { elements } else { nil }
    }

    /// A scalar's text as written, whatever it may mean; nil for a null.
    public var text: String? {
        guard case .scalar(let text, _) = content, !isNull else { return nil }
        return text
    }

    /// `null`, `~` or nothing at all, without quotation marks.
    public var isNull: Bool { plain.map { ["", "~", "null", "Null", "NULL"].contains($0) } ?? false }

    public var boolean: Bool? {
        switch plain {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }

    public var integer: Int64? { plain.flatMap { Int64($0) } }

    /// A finite number, also one written as an integer.
    public var double: Double? {
        guard let plain, plain.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }) else { return nil }
        return Double(plain).flatMap { $0.isFinite ? $0 : nil }
    }

    private var plain: String? {
        if case .scalar(let text, true) = content { text } else { nil }
    }
}

/// Why a text is not a YAML document that Pregão reads, and where.
public struct YAMLFault: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// Not YAML, or not UTF-8; libyaml's own words.
        case malformed(String)
        case duplicateKey(String)
        /// A mapping's key is not a scalar.
        case keyIsNoScalar
        /// `*name`: aliases are refused, so that a short text stays a small tree.
        case alias
        /// `!tag`
        case tag
        case severalDocuments
        case tooDeep
        case tooLarge
    }

    public let reason: Reason
    public let mark: YAMLMark

    public init(_ reason: Reason, at mark: YAMLMark) {
        self.reason = reason
        self.mark = mark
    }

    /// `12:5: the key "name" is there twice`
    public var description: String {
        let words =
            switch reason {
            case .malformed(let words): words
            case .duplicateKey(let key): "the key \"\(key)\" is there twice"
            case .keyIsNoScalar: "a key must be a plain word or a text"
            case .alias: "aliases (*name) are not read; write the value out"
            case .tag: "tags (!name) are not read"
            case .severalDocuments: "a second document; one is read"
            case .tooDeep: "nested deeper than allowed"
            case .tooLarge: "larger than allowed"
            }
        return "\(mark): \(words)"
    }
}
