import DeadLetters
import Lake

/// A letter as a person reads it: what is known of it, then the message's bytes, as text where they are text.
struct LetterText {
    let text: String

    init(_ found: FoundLetter, _ letter: DeadLetter, _ message: OriginalMessage) {
        var lines = [
            ("letter", "\(found.position)"), ("arrived", "\(found.arrived)"),
            ("message", "\(letter.topic)/\(letter.partition) at offset \(letter.offset)"),
            ("taken", "\(letter.timestamp)"), ("reason", letter.reason), ("detail", letter.detail),
        ]
        if case .stored(let object) = letter.content { lines.append(("kept as", object)) }
        if let time = found.replayedAt { lines.append(("replayed", "\(time)")) }
        if let origin = message.origin { lines.append(("replay of", origin)) }
        lines.append(("key", message.key.map(Self.inLine) ?? "none"))
        for header in message.headers { lines.append(("header \(header.name)", Self.inLine(header.value))) }
        lines.append(("value", message.value.map { "\($0.count) bytes" } ?? "none: a tombstone"))
        let width = lines.map(\.0.count).max() ?? 0
        let head = lines.map { name, value in
            "\(Self.printable(name))\(String(repeating: " ", count: width - name.count))  \(Self.printable(value))\n"
        }
        text = head.joined() + (message.value.map { $0.isEmpty ? "" : "\n" + Self.block($0) } ?? "")
    }

    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    private static func inLine(_ bytes: [UInt8]) -> String {
        plainText(bytes, allowing: []) ?? bytes.map(hexadecimal).joined(separator: " ")
    }

    private static func block(_ bytes: [UInt8]) -> String {
        if let text = plainText(bytes, allowing: ["\n", "\t"]) { return text.hasSuffix("\n") ? text : text + "\n" }
        return stride(from: 0, to: bytes.count, by: 16).map { start in
            let line = bytes[start..<min(start + 16, bytes.count)]
            let hex = line.map(hexadecimal).joined(separator: " ")
            let blanks = String(repeating: " ", count: 48 - hex.count)
            let letters = line.map { (0x20..<0x7f).contains($0) ? Character(UnicodeScalar($0)) : "." }
            return padded(start) + "  " + hex + blanks + " |" + String(letters) + "|\n"
        }.joined()
    }

    /// The bytes as text; nil where they are none, or would steer the terminal.
    private static func plainText(_ bytes: [UInt8], allowing allowed: Set<Unicode.Scalar>) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            allowed.contains(scalar) || ![.control, .format].contains(scalar.properties.generalCategory)
        }
        return isPlain ? text : nil
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return text.count < 2 ? "0" + text : text
    }

    private static func padded(_ number: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, 8 - text.count)) + text
    }
}
