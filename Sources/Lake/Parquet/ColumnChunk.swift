import CArrow
import JSON
import MarketData

/// The rows that were read and not yet handed to the Parquet writer: the dataset's columns, then `_partition` and
/// `_offset`.
struct ColumnChunk: ~Copyable {
    /// Small enough for a processor's cache; the writer copies, so that the memory is used again.
    static let maximumRows = 8192
    /// Of the messages that the rows came from: keeps the ends of texts within Arrow's 32 bits, and memory bounded.
    static let maximumMessageBytes = 16 << 20

    let columns: [Column]
    private let buffers: UnsafeMutableBufferPointer<ColumnBuffer>
    private let partition: Int32
    private(set) var count = 0
    private var messageBytes = 0
    private var capacity = 256

    init(columns: [Column], partition: Int32) {
        self.columns = columns
        self.partition = partition
        buffers = .allocate(capacity: columns.count + 2)
        for (index, column) in columns.enumerated() {
            let buffer = ColumnBuffer(
                type: column.type, layout: column.type.layout, isNullable: column.isNullable,
                isTradingDay: column.name == "trading_day", capacity: capacity)
            buffers.initializeElement(at: index, to: buffer)
        }
        for (index, layout) in [ColumnBuffer.Layout.int32, .int64].enumerated() {
            let buffer = ColumnBuffer(type: .integer, layout: layout, isNullable: false, capacity: capacity)
            buffers.initializeElement(at: columns.count + index, to: buffer)
        }
    }

    deinit {
        for buffer in buffers { buffer.deallocate() }
        buffers.deallocate()
    }

    var isFull: Bool { count == Self.maximumRows || messageBytes > Self.maximumMessageBytes }

    var byteCount: Int { buffers.reduce(0) { $0 + $1.byteCount(rows: count) } }

    /// Makes one more row, from the slots after the first, or none at all.
    ///
    /// - Returns: the column that the slots do not fit, with the reason, or nil.
    mutating func append(_ reader: borrowing FlatObjectReader, messageBytes: Int, offset: Int64) -> (
        column: Int, reason: RejectionReason
    )? {
        if count == capacity { grow() }
        for index in 0..<columns.count {
            if let reason = buffers[index].set(reader.slot(index + 1), row: count) { return (index, reason) }
        }
        buffers[columns.count].setInt32(partition, row: count)
        buffers[columns.count + 1].setInt64(offset, row: count)
        count += 1
        self.messageBytes += messageBytes
        return nil
    }

    func int64(column: Int, row: Int) -> Int64 { buffers[column].int64(row: row) }

    func int32(column: Int, row: Int) -> Int32 { buffers[column].int32(row: row) }

    mutating func removeAll() {
        count = 0
        messageBytes = 0
    }

    private mutating func grow() {
        let newCapacity = min(capacity * 2, Self.maximumRows)
        for index in buffers.indices { buffers[index].grow(from: capacity, to: newCapacity) }
        capacity = newCapacity
    }

    /// The rows as a struct array that borrows this chunk's memory: it must be released before the chunk changes.
    func arrowArray() -> ArrowArray {
        .structure(of: buffers.map { $0.arrowArray(rows: count) }, rows: count)
    }
}

extension ColumnType {
    fileprivate var layout: ColumnBuffer.Layout {
        switch self {
        case .text: .text
        case .integer, .instant: .int64
        case .decimal: .decimal
        case .day: .int32
        case .boolean: .bits
        }
    }
}

extension ColumnBuffer {
    fileprivate func arrowArray(rows: Int) -> ArrowArray {
        var memory: [UnsafeRawPointer?] = [isNullable ? UnsafeRawPointer(validity) : nil, UnsafeRawPointer(values)]
        if layout == .text { memory.append(UnsafeRawPointer(text)) }
        // -1 tells Arrow to count the nulls itself.
        return .borrowing(memory, rows: rows, nullCount: isNullable ? -1 : 0)
    }
}
