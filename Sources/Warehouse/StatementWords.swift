/// The words that a script's statements begin with, read off its text as DuckDB's tokens are: quotes, dollar quotes and
/// comments are no words, and a semicolon inside them ends nothing.
///
/// A session that only reads refuses the others. Its catalog is attached for reading, and yet a statement could attach
/// the same file once more, or write over any file: DuckDB's `enable_external_access` does not hold the extension that
/// reads SQLite back.
public enum StatementWords {
    /// What begins a statement that changes nothing but the session. A table or view that is created lies in the
    /// session's memory, as the catalog takes none.
    private static let harmless: Set<String> = [
        "select", "with", "from", "values", "table", "describe", "desc", "show", "summarize", "pivot", "unpivot",
        "create", "insert", "update", "delete", "drop", "set", "reset", "use", "begin", "commit", "rollback",
    ]

    /// What may stand before the statement that is explained, which EXPLAIN ANALYZE runs.
    private static let explaining: Set<String> = [
        "explain", "analyze", "format", "json", "text", "html", "graphviz", "yaml", "mermaid",
    ]

    /// - Returns: the first statement's word that a reading session does not run, in capitals; nil where all may run.
    public static func refused(in script: String) -> String? {
        statements(of: script).lazy.compactMap { words in
            words.drop(while: explaining.contains).first
        }.first { !harmless.contains($0) }?.uppercased()
    }

    /// Of each statement its first words, in small letters: as many as can matter.
    private static func statements(of script: String) -> [ArraySlice<String>] {
        var scanner = Scanner(Array(script.utf8))
        var statements: [ArraySlice<String>] = []
        var words: [String] = []
        while let token = scanner.next() {
            switch token {
            case .word(let word): if words.count < 8 { words.append(word) }
            // Brackets around a query, and the options of EXPLAIN, stand before its first word.
            case .bracket: break
            case .other: if words.isEmpty { words.append("?") }
            case .semicolon:
                statements.append(words[...])
                words = []
            }
        }
        statements.append(words[...])
        return statements.filter { !$0.isEmpty }
    }

    private enum Token {
        case word(String)
        case bracket, semicolon, other
    }

    private struct Scanner {
        private let bytes: [UInt8]
        private var place = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        private func byte(_ ahead: Int = 0) -> UInt8 { place + ahead < bytes.count ? bytes[place + ahead] : 0 }

        mutating func next() -> Token? {
            skipBlanksAndComments()
            guard place < bytes.count else { return nil }
            switch byte() {
            case UInt8(ascii: ";"): return single(.semicolon)
            case UInt8(ascii: "("), UInt8(ascii: ")"): return single(.bracket)
            case UInt8(ascii: "'"):
                skipQuoted(by: UInt8(ascii: "'"), escapes: false)
                return .other
            case UInt8(ascii: "\""):
                skipQuoted(by: UInt8(ascii: "\""), escapes: false)
                return .other
            case UInt8(ascii: "$"):
                skipDollarQuoted()
                return .other
            case let first where Self.isOfWord(first): return word()
            default: return single(.other)
            }
        }

        private mutating func single(_ token: Token) -> Token {
            place += 1
            return token
        }

        private mutating func word() -> Token {
            let start = place
            while Self.isOfWord(byte()) || (byte() == UInt8(ascii: "$") && place > start) { place += 1 }
            let word = String(decoding: bytes[start..<place], as: UTF8.self).lowercased()
            // E'…' has backslashes that escape a quote.
            if byte() == UInt8(ascii: "'"), word == "e" {
                skipQuoted(by: UInt8(ascii: "'"), escapes: true)
                return .other
            }
            return .word(word)
        }

        private static func isOfWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
                true
            default: false
            }
        }

        private mutating func skipBlanksAndComments() {
            while place < bytes.count {
                switch (byte(), byte(1)) {
                case (0x09...0x0d, _), (0x20, _): place += 1
                case (UInt8(ascii: "-"), UInt8(ascii: "-")):
                    while place < bytes.count, byte() != 0x0a, byte() != 0x0d { place += 1 }
                case (UInt8(ascii: "/"), UInt8(ascii: "*")): skipBlockComment()
                default: return
                }
            }
        }

        /// They nest, as in PostgreSQL.
        private mutating func skipBlockComment() {
            var depth = 0
            repeat {
                switch (byte(), byte(1)) {
                case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                    depth += 1
                    place += 2
                case (UInt8(ascii: "*"), UInt8(ascii: "/")):
                    depth -= 1
                    place += 2
                default: place += 1
                }
            } while depth > 0 && place < bytes.count
        }

        /// A quote that is doubled stands for itself.
        private mutating func skipQuoted(by quote: UInt8, escapes: Bool) {
            place += 1
            while place < bytes.count {
                if escapes, byte() == UInt8(ascii: "\\") {
                    place += 2
                } else if byte() != quote {
                    place += 1
                } else if byte(1) == quote {
                    place += 2
                } else {
                    place += 1
                    return
                }
            }
        }

        /// `$tag$ … $tag$`, the tag empty or a word; `$1` is a parameter.
        private mutating func skipDollarQuoted() {
            var end = place + 1
            while end < bytes.count, Self.isOfWord(bytes[end]) { end += 1 }
            guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else {
                place = end
                return
            }
            let tag = Array(bytes[place...end])
            place = end + 1
            while place < bytes.count {
                if bytes[place...].starts(with: tag) {
                    place += tag.count
                    return
                }
                place += 1
            }
        }
    }
}
