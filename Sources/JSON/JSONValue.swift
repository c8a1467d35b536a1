import CSimdjson
import MarketData

/// A JSON value. Numbers keep the text that the document has for them, so that nothing is rounded.
public enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    /// In the document's order; no name is there twice.
    case object([JSONMember])
}

public struct JSONMember: Hashable, Sendable {
    public let name: String
    public let value: JSONValue

    public init(name: String, value: JSONValue) {
        self.name = name
        self.value = value
    }
}

extension JSONValue {
    /// The member of an object; nil where there is none or this is no object.
    public subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The element of an array; nil beyond its end or where this is no array.
    public subscript(_ index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    public var isNull: Bool { self == .null }

    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    public var bool: Bool? {
        if case .boolean(let value) = self { value } else { nil }
    }

    /// A number written without fraction and exponent, in Int64's range.
    public var int64: Int64? {
        if case .number(let text) = self { Int64(text) } else { nil }
    }

    public var double: Double? {
        if case .number(let text) = self { Double(text) } else { nil }
    }

    /// A number exactly, or a string that holds one; nil also for what does not fit ``Decimal``.
    public var decimal: Decimal? {
        switch self {
        case .number(let text), .string(let text): try? Decimal(parsing: text)
        default: nil
        }
    }

    public var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var object: [JSONMember]? {
        if case .object(let members) = self { members } else { nil }
    }
}

/// A small JSON document as a tree. For many flat messages, see ``FlatObjectReader``.
public struct JSONDocument: Hashable, Sendable {
    public let root: JSONValue

    /// - Throws: ``JSONFault`` where the bytes are not one whole JSON document, or any object has a member twice.
    public init(parsing bytes: UnsafeRawBufferPointer, maximumBytes: Int = 1 << 20, maximumDepth: Int = 64)
        throws(JSONFault)
    {
        var nodes: UnsafePointer<pregao_json_node>?
        var detail: UnsafePointer<CChar>?
        var detailLength = 0
        defer { pregao_json_tree_forget() }
        let code = pregao_json_tree_read(
            bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count, maximumBytes, maximumDepth, &nodes,
            &detail, &detailLength)
        if let fault = JSONFault(code: code, detail: text(detail, detailLength)) { throw fault }
        guard var next = nodes else { throw .malformed("no value") }
        root = JSONValue(takingFrom: &next)
    }

    public init(parsing bytes: [UInt8], maximumBytes: Int = 1 << 20, maximumDepth: Int = 64) throws(JSONFault) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONFault) in
                try JSONDocument(parsing: buffer, maximumBytes: maximumBytes, maximumDepth: maximumDepth)
            }
        }
        self = try result.get()
    }

    public init(parsing text: String, maximumBytes: Int = 1 << 20, maximumDepth: Int = 64) throws(JSONFault) {
        try self.init(parsing: Array(text.utf8), maximumBytes: maximumBytes, maximumDepth: maximumDepth)
    }

    public subscript(_ name: String) -> JSONValue? { root[name] }

    public subscript(_ index: Int) -> JSONValue? { root[index] }
}

extension JSONValue {
    /// Reads the value at `node` and moves `node` past it and all below it.
    fileprivate init(takingFrom node: inout UnsafePointer<pregao_json_node>) {
        let this = node.pointee
        node += 1
        switch Int(this.kind) {
        case Int(PREGAO_JSON_NODE_BOOLEAN): self = .boolean(this.boolean)
        case Int(PREGAO_JSON_NODE_NUMBER): self = .number(JSON.text(this.text, this.length))
        case Int(PREGAO_JSON_NODE_STRING): self = .string(JSON.text(this.text, this.length))
        case Int(PREGAO_JSON_NODE_ARRAY):
            var elements: [JSONValue] = []
            elements.reserveCapacity(this.count)
            for _ in 0..<this.count { elements.append(JSONValue(takingFrom: &node)) }
            self = .array(elements)
        case Int(PREGAO_JSON_NODE_OBJECT):
            var members: [JSONMember] = []
            members.reserveCapacity(this.count)
            for _ in 0..<this.count {
                let name = JSON.text(node.pointee.key, node.pointee.key_length)
                members.append(JSONMember(name: name, value: JSONValue(takingFrom: &node)))
            }
            self = .object(members)
        default: self = .null
        }
    }
}
