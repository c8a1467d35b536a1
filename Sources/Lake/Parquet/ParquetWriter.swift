import CArrow
import MarketData

/// What could not be encoded, and why.
public struct EncodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `encode quotes version 1`
    public let doing: String
    /// Arrow's own words.
    public let cause: String

    public init(doing: String, cause: String) {
        self.doing = doing
        self.cause = cause
    }

    public var description: String { "\(doing): \(cause)" }
}

/// Writes chunks of a dataset's rows as one Parquet file in memory.
struct ParquetWriter: ~Copyable {
    private let columns: [Column]
    private let doing: String
    /// Opened with the first chunk, or at the end.
    private var handle: OpaquePointer?

    /// A row group is what a reader takes at a time, and what the writer holds in memory besides the finished ones.
    static let rowsPerGroup: Int64 = 1 << 20

    init(columns: [Column], doing: String) {
        self.columns = columns
        self.doing = doing
    }

    deinit { if let handle { pregao_parquet_writer_free(handle) } }

    /// Bytes that the writer holds.
    var byteCount: Int { handle.map { Int(pregao_parquet_writer_memory($0)) } ?? 0 }

    mutating func append(_ chunk: borrowing ColumnChunk) throws(EncodingError) {
        let handle = try open()
        var array = chunk.arrowArray()
        if let message = pregao_parquet_writer_append(handle, &array) {
            throw EncodingError(doing: doing, arrow: message)
        }
    }

    private mutating func open() throws(EncodingError) -> OpaquePointer {
        if let handle { return handle }
        let fields = columns.map { ArrowSchema.field($0.name, format: $0.type.arrowFormat, isNullable: $0.isNullable) }
        let position = [
            ArrowSchema.field("_partition", format: "i", isNullable: false),
            ArrowSchema.field("_offset", format: "l", isNullable: false),
        ]
        var schema = ArrowSchema.structure(of: fields + position)
        let encodings = columns.map(\.type.encoding) + [pregao_encoding_delta, pregao_encoding_delta]
        var opened: OpaquePointer?
        let message = pregao_parquet_writer_open(&schema, encodings, Self.rowsPerGroup, &opened)
        if let message { throw EncodingError(doing: doing, arrow: message) }
        guard let opened else { throw EncodingError(doing: doing, cause: "Arrow gave no writer") }
        handle = opened
        return opened
    }

    /// Writes the footer and gives the whole file; nothing can be appended any more.
    mutating func finish(metadata: KeyValuePairs<String, String>) throws(EncodingError) -> [UInt8] {
        let handle = try open()
        let keys = CStrings(metadata.map(\.key))
        let values = CStrings(metadata.map(\.value))
        var bytes = pregao_bytes()
        let message = pregao_parquet_writer_finish(handle, keys.pointers, values.pointers, metadata.count, &bytes)
        if let message { throw EncodingError(doing: doing, arrow: message) }
        defer { pregao_bytes_free(&bytes) }
        return Array(UnsafeBufferPointer(start: bytes.start, count: bytes.count))
    }
}

extension EncodingError {
    fileprivate init(doing: String, arrow message: UnsafeMutablePointer<CChar>) {
        self.init(doing: doing, cause: String(cString: message))
        pregao_arrow_free_message(message)
    }
}

/// Copies of strings for C, freed when this goes.
private final class CStrings {
    let pointers: [UnsafePointer<CChar>?]

    init(_ strings: [String]) {
        pointers = strings.map { string in
            let bytes = string.utf8CString
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            bytes.withUnsafeBufferPointer {
                copy.initialize(from: $0.baseAddress ?? UnsafePointer(copy), count: bytes.count)
            }
            return UnsafePointer(copy)
        }
    }

    deinit { for pointer in pointers { pointer?.deallocate() } }
}

extension ColumnType {
    /// As the Arrow C Data Interface writes the type.
    fileprivate var arrowFormat: String {
        switch self {
        case .text: "u"
        case .integer: "l"
        case .decimal: "d:\(Decimal.precision),\(Decimal.scale)"
        case .instant: "tsu:UTC"
        case .day: "tdD"
        case .boolean: "b"
        }
    }

    /// Names repeat; numbers and times lie close to the row before; prices do neither.
    fileprivate var encoding: pregao_encoding {
        switch self {
        case .text: pregao_encoding_dictionary
        case .integer, .instant, .day: pregao_encoding_delta
        case .decimal, .boolean: pregao_encoding_plain
        }
    }
}
