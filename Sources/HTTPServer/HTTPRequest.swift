/// What a client asked.
public struct HTTPRequest: Sendable {
    public let method: String
    /// Path and query as they came, still percent-encoded: `/v2/prices/BTC-USD/spot?x=1`.
    public let target: String
    /// The path alone, percent-decoded.
    public let path: String
    /// The query's pairs, decoded, in order; names count as they are written.
    public let query: HTTPFields
    /// The headers in order; names count without regard to case.
    public let headers: HTTPFields
    public let body: [UInt8]
    public let client: HTTPClientAddress

    public init(
        method: String, target: String, path: String, query: HTTPFields = HTTPFields(),
        headers: HTTPFields = HTTPFields(ignoringCase: true), body: [UInt8] = [],
        client: HTTPClientAddress = HTTPClientAddress()
    ) {
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.client = client
    }
}

/// Names with values, in order, a name perhaps more than once.
///
/// Everything lies in one block of bytes and becomes text only when it is asked for: most requests' headers never are.
public struct HTTPFields: Sendable {
    private let ignoresCase: Bool
    private var bytes: [UInt8] = []
    private var fields: [Field] = []

    private struct Field {
        let start: Int
        let nameEnd: Int
        let end: Int
    }

    public init(ignoringCase: Bool = false) { ignoresCase = ignoringCase }

    public var count: Int { fields.count }

    /// The first value under that name.
    public subscript(name: String) -> String? {
        let wanted = Array(name.utf8)
        return fields.first { matches($0, wanted) }.map { text($0.nameEnd..<$0.end) }
    }

    /// Every name with its value, in order.
    public var pairs: [(name: String, value: String)] {
        fields.map { (name: text($0.start..<$0.nameEnd), value: text($0.nameEnd..<$0.end)) }
    }

    public mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let start = bytes.count
        bytes.append(contentsOf: name)
        let nameEnd = bytes.count
        bytes.append(contentsOf: value)
        fields.append(Field(start: start, nameEnd: nameEnd, end: bytes.count))
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private func matches(_ field: Field, _ wanted: [UInt8]) -> Bool {
        let name = bytes[field.start..<field.nameEnd]
        guard ignoresCase else { return name.elementsEqual(wanted) }
        return name.elementsEqual(wanted) { Self.lowercase($0) == Self.lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }
}
