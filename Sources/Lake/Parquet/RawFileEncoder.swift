import JSON
import MarketData

/// Turns the messages of one partition, of one schema version, into one raw Parquet file.
///
/// Rows keep the order of the messages. A message becomes a row or leaves no trace. Rows are compressed as they come, so
/// that memory stays far below that of the messages. The same messages and range give the same bytes.
public struct RawFileEncoder: ~Copyable {
    /// What became of a message.
    public enum Verdict: Hashable, Sendable {
        case accepted
        /// It is no row of the dataset: a dead letter.
        case rejected(RejectionReason, detail: String)
        /// Its version is one that the dataset knows, but not this file's: finish this file and start one of it.
        case otherVersion(Int)
        /// Its version is newer than the dataset's newest: a newer program wrote it, and only such a program reads it.
        case newerVersion(Int)
    }

    /// A larger message is rejected.
    public static let maximumMessageBytes = 1 << 20

    private let dataset: Dataset
    private let version: Int
    private let partition: Int32
    private var reader: FlatObjectReader
    private var chunk: ColumnChunk
    private var writer: ParquetWriter
    private var writtenRows = 0
    private var tally = DayTally()
    /// Where the trading day and the time that it is of stand among the columns.
    private let dayColumn: Int?
    private let timeColumn: Int?
    /// What ``finish(range:topic:epoch:)`` is to throw.
    private var failure: EncodingError?

    /// - Parameter version: the schema version of the file's rows, from 1 to the dataset's newest.
    public init(dataset: Dataset, version: Int, partition: Int32) {
        self.dataset = dataset
        self.version = version
        self.partition = partition
        let columns = dataset.columns(ofVersion: version)
        reader = FlatObjectReader(
            fields: ["version"] + columns.map(\.name), maximumBytes: Self.maximumMessageBytes)
        chunk = ColumnChunk(columns: columns, partition: partition)
        writer = ParquetWriter(
            columns: columns, doing: "encode \(dataset.name) version \(version) of partition \(partition)")
        dayColumn = columns.firstIndex { $0.name == "trading_day" && $0.type == .day && !$0.isNullable }
        timeColumn = columns.firstIndex {
            $0.name == dataset.tradingDay.column && $0.type == .instant && !$0.isNullable
        }
    }

    /// Rows accepted.
    public var rows: Int { writtenRows + chunk.count }

    /// Distinct trading days among the rows, each of which the object's announcement names.
    public var days: Int { tally.count }

    /// Bytes of memory held for the rows accepted, roughly.
    public var byteCount: Int { chunk.byteCount + writer.byteCount }

    /// Makes a row of a message's value; nil is a tombstone.
    public mutating func append(_ value: UnsafeRawBufferPointer?, offset: Int64) -> Verdict {
        guard let value else { return .rejected(.tombstone, detail: "the message has no value") }
        if let fault = reader.read(value) { return .rejected(RejectionReason(fault), detail: "\(fault)") }
        let slot = reader.slot(0)
        guard slot.kind == .integer, slot.integer > 0 else {
            return .rejected(.noVersion, detail: "version is missing or not a positive integer")
        }
        guard slot.integer == version else {
            return slot.integer > dataset.version ? .newerVersion(Int(slot.integer)) : .otherVersion(Int(slot.integer))
        }
        if let misfit = chunk.append(reader, messageBytes: value.count, offset: offset) {
            return rejection(misfit.reason, column: misfit.column)
        }
        countDay()
        if chunk.isFull { writeChunk() }
        return .accepted
    }

    /// Gives back what reading a large message took, many times its size, which ``byteCount`` does not count.
    public mutating func forgetLargeMessages() { reader.forgetLargeDocument() }

    /// Writes the footer and gives the file; without any row, a file with none.
    ///
    /// - Parameter range: the group's positions before and after, which the file's metadata bears.
    public consuming func finish(range: Range<Int64>, topic: String, epoch: String) throws(EncodingError)
        -> EncodedRawFile
    {
        writeChunk()
        if let failure { throw failure }
        let bytes = try writer.finish(metadata: [
            "pregao.dataset": dataset.name,
            "pregao.schema_version": "\(version)",
            "pregao.topic": topic,
            "pregao.epoch": epoch,
            "pregao.partition": "\(partition)",
            "pregao.start": "\(range.lowerBound)",
            "pregao.end": "\(range.upperBound)",
        ])
        return EncodedRawFile(
            bytes: bytes, sha256: SHA256.hexadecimal(of: bytes), rows: Int64(writtenRows), days: tally.days,
            schemaVersion: version)
    }

    private func rejection(_ reason: RejectionReason, column index: Int) -> Verdict {
        let column = chunk.columns[index]
        let slot = reader.slot(index + 1)
        let value = slot.kind == .string ? "\"\(String(slot.string.unicodeScalars.prefix(64)))\"" : "\(slot.kind)"
        return .rejected(reason, detail: "column \(column.name), \(column.type.rawValue): \(value)")
    }

    private mutating func countDay() {
        guard let dayColumn, let timeColumn else { return }
        let row = chunk.count - 1
        tally.add(day: chunk.int32(column: dayColumn, row: row), time: chunk.int64(column: timeColumn, row: row))
    }

    private mutating func writeChunk() {
        defer {
            writtenRows += chunk.count
            chunk.removeAll()
        }
        guard failure == nil, chunk.count > 0 else { return }
        do throws(EncodingError) { try writer.append(chunk) } catch { failure = error }
    }
}

// Whoever holds an encoder is its only owner, since it cannot be copied, and so are its parts, which share nothing.
extension RawFileEncoder: @unchecked Sendable {}

extension RawFileEncoder {
    /// The schema version that a message says it has, to start a file with.
    ///
    /// - Returns: nil where the message is none that any version could read; an encoder says why.
    public static func version(of value: UnsafeRawBufferPointer?) -> Int? {
        var reader = FlatObjectReader(fields: ["version"], maximumBytes: maximumMessageBytes)
        guard let value, reader.read(value) == nil, reader.slot(0).kind == .integer, reader.slot(0).integer > 0
        else { return nil }
        return Int(reader.slot(0).integer)
    }
}

/// A raw Parquet file in memory, and what its announcement tells of it.
public struct EncodedRawFile: Hashable, Sendable {
    public let bytes: [UInt8]
    /// Of ``bytes``, as 64 lower-case hexadecimal digits.
    public let sha256: String
    public let rows: Int64
    /// The distinct trading days inside, ascending.
    public let days: [Announcement.DayContent]
    public let schemaVersion: Int

    public init(bytes: [UInt8], sha256: String, rows: Int64, days: [Announcement.DayContent], schemaVersion: Int) {
        self.bytes = bytes
        self.sha256 = sha256
        self.rows = rows
        self.days = days
        self.schemaVersion = schemaVersion
    }
}
