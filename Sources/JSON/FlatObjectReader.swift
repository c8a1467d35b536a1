import CSimdjson

/// Reads chosen members of one flat JSON object at a time; reuses its buffers.
///
/// The whole document is validated, UTF-8 included. Members that are not wanted are allowed; any member that is there
/// twice is a fault. Once its buffers have grown to the largest message, reading allocates nothing.
public struct FlatObjectReader: ~Copyable {
    @usableFromInline let handle: OpaquePointer?
    @usableFromInline let slots: UnsafePointer<pregao_json_slot>?

    /// - Parameters:
    ///   - fields: the names of the wanted members, each once.
    ///   - maximumBytes: a longer document is ``JSONFault/tooLarge``.
    ///   - maximumDepth: one with more levels, of objects and arrays that hold something, is ``JSONFault/tooDeep``.
    public init(fields: [String], maximumBytes: Int = 1 << 20, maximumDepth: Int = 64) {
        let handle = pregao_json_reader_new(maximumBytes, maximumDepth)
        for field in fields {
            var field = field
            field.withUTF8 { utf8 in
                utf8.withMemoryRebound(to: CChar.self) {
                    pregao_json_reader_add_field(handle, $0.baseAddress, $0.count)
                }
            }
        }
        self.handle = handle
        slots = pregao_json_reader_slots(handle)
    }

    deinit { pregao_json_reader_free(handle) }

    /// - Returns: nil where the object was read. Slots are valid until the next call.
    @inlinable
    public mutating func read(_ bytes: UnsafeRawBufferPointer) -> JSONFault? {
        let code = pregao_json_reader_read(handle, bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count)
        return code == 0 ? nil : fault(code)
    }

    /// Gives back what a large document took, many times its size; the slots are gone then.
    public mutating func forgetLargeDocument() { pregao_json_reader_forget(handle) }

    @usableFromInline func fault(_ code: Int32) -> JSONFault? {
        var length = 0
        let detail = pregao_json_reader_detail(handle, &length)
        return JSONFault(code: code, detail: text(detail, length))
    }

    /// The member `fields[index]` of the object last read; `index` is not checked.
    @inlinable
    public func slot(_ index: Int) -> Slot {
        guard let slots else { return Slot(raw: pregao_json_slot()) }
        return Slot(raw: slots[index])
    }

    /// What a member's value is.
    public enum Kind: UInt8, Sendable {
        /// The object has no such member.
        case missing
        case null
        case string
        /// A number without fraction and exponent, in Int64's range.
        case integer
        /// Any other number.
        case double
        case boolean
        /// An object or an array.
        case other
    }

    /// One member's value. Only what belongs to its kind is meaningful; ``text`` is valid until the next read.
    public struct Slot {
        @usableFromInline let raw: pregao_json_slot

        @inlinable init(raw: pregao_json_slot) { self.raw = raw }

        @inlinable public var kind: Kind { Kind(rawValue: raw.kind) ?? .other }

        /// A string's contents, unescaped.
        @inlinable public var text: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: raw.text, count: raw.length)
        }

        @inlinable public var integer: Int64 { raw.integer }

        @inlinable public var double: Double { raw.number }

        @inlinable public var boolean: Bool { raw.boolean }

        /// ``text``, copied.
        public var string: String { String(decoding: text, as: UTF8.self) }
    }
}

// The handle has one owner, which cannot be copied, and whatever changes it is mutating: never two threads at once.
extension FlatObjectReader: @unchecked Sendable {}
