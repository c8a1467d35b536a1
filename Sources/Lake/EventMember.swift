import JSON
import MarketData

/// A value inside an object-created message, with its place, which a fault names.
struct EventMember {
    private let value: JSONValue
    private let path: String

    init(_ value: JSONValue, path: String) {
        self.value = value
        self.path = path
    }

    func fault(_ what: String) -> AnnouncementFault { AnnouncementFault("\(path) \(what)") }

    subscript(_ name: String) -> EventMember {
        get throws(AnnouncementFault) {
            guard let member = try optional(name) else { throw AnnouncementFault("\(path).\(name) is missing") }
            return member
        }
    }

    func optional(_ name: String) throws(AnnouncementFault) -> EventMember? {
        guard value.object != nil else { throw fault("is not an object") }
        guard let member = value[name], !member.isNull else { return nil }
        return EventMember(member, path: "\(path).\(name)")
    }

    func elements() throws(AnnouncementFault) -> [EventMember] {
        guard let elements = value.array else { throw fault("is not an array") }
        return elements.enumerated().map { EventMember($0.element, path: "\(path)[\($0.offset)]") }
    }

    func text() throws(AnnouncementFault) -> String {
        guard let text = value.string else { throw fault("is not a string") }
        return text
    }

    /// What the doubles of other JSON readers hold exactly, and far from what a sum of a few overflows at.
    static let largestCount: Int64 = (1 << 53) - 1

    /// An integer that is not negative, of at most ``largestCount``.
    func count() throws(AnnouncementFault) -> Int64 {
        guard let number = value.int64 else { throw fault("is not an integer") }
        guard number >= 0 else { throw fault("is negative") }
        guard number <= Self.largestCount else { throw fault("is beyond 2^53 - 1") }
        return number
    }

    func partition() throws(AnnouncementFault) -> Int32 {
        guard let number = Int32(exactly: try count()) else { throw fault("is not a partition's number") }
        return number
    }

    func digest() throws(AnnouncementFault) -> String {
        let text = try text()
        let isDigest =
            text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard isDigest else { throw fault("is not a sha256 in lower-case hexadecimal digits") }
        return text
    }

    func instant() throws(AnnouncementFault) -> Instant {
        guard let instant = Instant(rfc3339: try text()) else { throw fault("is not a time in RFC 3339's form") }
        return instant
    }

    func day() throws(AnnouncementFault) -> Day {
        guard let day = Day(try text()) else { throw fault("is not a day") }
        return day
    }
}

/// How S3 writes a key in an event: "The object key name value is URL encoded. For example, `red flower.jpg` becomes
/// `red+flower.jpg`." Letters, digits, `-`, `.`, `_`, `~` and the slash stay.
enum EventKey {
    static func encode(_ key: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                encoded.append(byte)
            case UInt8(ascii: " "): encoded.append(UInt8(ascii: "+"))
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// - Returns: nil where a percent sign has no two digits behind it, or the bytes are not UTF-8.
    static func decode(_ text: String) -> String? {
        var decoded: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
                else { return nil }
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        Character(Unicode.Scalar(digit)).hexDigitValue.map { UInt8($0) }
    }
}
