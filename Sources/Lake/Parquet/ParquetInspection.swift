import CArrow

/// What a Parquet file says of itself, and whether all of it can be read.
public struct ParquetInspection: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public let name: String
        /// In Parquet's words: `INT64 Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, …)`.
        public let type: String
        public let isRequired: Bool
        /// Compressed, in bytes.
        public let size: Int64
    }

    public let rows: Int64
    public let rowGroups: Int
    public let columns: [Column]
    /// The footer's key-value pairs; of a key that is there twice, the first.
    public let metadata: [String: String]

    /// Reads the footer.
    ///
    /// - Parameter decodingAll: also decode every page of every column, with its checksum, and hold the number of its
    ///   values against the footer's.
    /// - Throws: ``ParquetFault`` in Arrow's words where the bytes are no such file.
    public init(_ bytes: [UInt8], decodingAll: Bool = false) throws(ParquetFault) {
        let result = bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(ParquetFault) in try ParquetInspection(buffer, decodingAll: decodingAll) }
        }
        self = try result.get()
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>, decodingAll: Bool) throws(ParquetFault) {
        var opened: OpaquePointer?
        if let message = pregao_parquet_reader_open(bytes.baseAddress, bytes.count, &opened) {
            throw ParquetFault(arrow: message)
        }
        defer { pregao_parquet_reader_free(opened) }
        rows = pregao_parquet_reader_rows(opened)
        rowGroups = Int(pregao_parquet_reader_row_groups(opened))
        columns = (0..<pregao_parquet_reader_columns(opened)).map { index in
            Column(
                name: String(cString: pregao_parquet_reader_column_name(opened, index)),
                type: String(cString: pregao_parquet_reader_column_type(opened, index)),
                isRequired: pregao_parquet_reader_column_is_required(opened, index),
                size: pregao_parquet_reader_column_size(opened, index))
        }
        let pairs = (0..<pregao_parquet_reader_pairs(opened)).map { index in
            (
                String(cString: pregao_parquet_reader_key(opened, index)),
                String(cString: pregao_parquet_reader_value(opened, index))
            )
        }
        metadata = Dictionary(pairs) { first, _ in first }
        if decodingAll, let message = pregao_parquet_reader_check(opened) { throw ParquetFault(arrow: message) }
    }
}

/// Why bytes are not a readable Parquet file.
public struct ParquetFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let reason: String

    fileprivate init(arrow message: UnsafeMutablePointer<CChar>) {
        reason = String(cString: message)
        pregao_arrow_free_message(message)
    }

    public var description: String { "not a readable Parquet file: \(reason)" }
}
