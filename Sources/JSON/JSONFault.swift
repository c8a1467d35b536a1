import CSimdjson

/// Why bytes are not the JSON that was asked for.
public enum JSONFault: Error, Hashable, Sendable {
    /// Not RFC 8259's grammar; the parser's own words.
    case malformed(String)
    /// A number that is not in RFC 8259's form, an integer that 64 bits do not hold, signed or unsigned, or another
    /// number beyond a double, anywhere in the document.
    case unreadableNumber
    case notUTF8
    case tooLarge
    case tooDeep
    case notAnObject
    /// An object has this member twice.
    case duplicateKey(String)
}

extension JSONFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let words): "not JSON: \(words)"
        case .unreadableNumber: "a number that is not in JSON's form, or is larger than 64 bits or a double hold"
        case .notUTF8: "not UTF-8"
        case .tooLarge: "larger than allowed"
        case .tooDeep: "nested deeper than allowed"
        case .notAnObject: "JSON, but not an object"
        case .duplicateKey(let key): "the member \"\(key)\" is there twice"
        }
    }
}

extension JSONFault {
    /// - Returns: nil for success.
    init?(code: Int32, detail: @autoclosure () -> String) {
        switch Int(code) {
        case Int(PREGAO_JSON_OK): return nil
        case Int(PREGAO_JSON_NUMBER): self = .unreadableNumber
        case Int(PREGAO_JSON_NOT_UTF8): self = .notUTF8
        case Int(PREGAO_JSON_TOO_LARGE): self = .tooLarge
        case Int(PREGAO_JSON_TOO_DEEP): self = .tooDeep
        case Int(PREGAO_JSON_NOT_AN_OBJECT): self = .notAnObject
        case Int(PREGAO_JSON_DUPLICATE_KEY): self = .duplicateKey(detail())
        default: self = .malformed(detail())
        }
    }
}

func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
}
