import MarketData

/// A partition of a topic.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let topic: String
    public let partition: Int32

    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }

    /// `pregao.quotes/3`
    public var description: String { "\(topic)/\(partition)" }
}

/// A message's number in its partition, from 0, increasing; numbers may be missing (transaction markers, compaction).
public typealias Offset = Int64

public struct Header: Hashable, Sendable {
    public let name: String
    public let value: [UInt8]

    public init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

extension Header {
    /// In memory beside the name's and the value's bytes: their places, and what an allocation for each takes.
    fileprivate static let memoryBeside = 96
}

extension [Header] {
    /// The lengths of names and values together.
    public var byteCount: Int { reduce(0) { $0 + $1.name.utf8.count + $1.value.count } }
}

/// A message to append. The key decides the partition: equal keys stay in order.
public struct OutgoingMessage: Sendable {
    public let topic: String
    public let key: [UInt8]?
    public let value: [UInt8]?
    public let headers: [Header]

    public init(topic: String, key: [UInt8]?, value: [UInt8]?, headers: [Header] = []) {
        self.topic = topic
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// Messages of one partition in ascending order of offset, their bytes in one block.
public struct RecordBatch: Sendable {
    public struct Record: Sendable {
        public let offset: Offset
        /// When the log took the message.
        public let timestamp: Instant
        public let headers: [Header]
        /// Where its key begins, which the value follows.
        fileprivate let start: UInt32
        /// -1 where it has none.
        fileprivate let keyLength: Int32
        fileprivate let valueLength: Int32

        /// The lengths of key, value and headers together.
        public var byteCount: Int { keyBytes + Int(max(0, valueLength)) + headers.byteCount }

        fileprivate var keyBytes: Int { Int(max(0, keyLength)) }

        fileprivate var key: Range<Int>? {
            keyLength < 0 ? nil : Int(start)..<Int(start) + Int(keyLength)
        }

        fileprivate var value: Range<Int>? {
            let valueStart = Int(start) + keyBytes
            return valueLength < 0 ? nil : valueStart..<valueStart + Int(valueLength)
        }
    }

    public let source: TopicPartition
    public private(set) var records: [Record] = []
    /// The group's position after this batch: at least one past the last record's offset.
    public var nextOffset: Offset
    private var bytes: [UInt8] = []
    /// Of all headers.
    private var headerBytes = 0
    private var headerCount = 0

    public init(source: TopicPartition, startingAt offset: Offset) {
        self.source = source
        nextOffset = offset
    }

    /// Makes room for so much, which growing would copy again and again.
    public mutating func reserve(records count: Int, bytes byteCount: Int) {
        records.reserveCapacity(count)
        bytes.reserveCapacity(byteCount)
    }

    /// The sum of the lengths of keys, values and headers.
    public var byteCount: Int { bytes.count + headerBytes }

    /// What the batch holds in memory, roughly: messages without a byte take some too.
    public var memoryBytes: Int {
        bytes.capacity + records.capacity * MemoryLayout<Record>.stride + headerBytes
            + headerCount * Header.memoryBeside
    }

    /// How many messages a read of at most `bytes` brings, so that short ones do not take many times that in memory.
    public static func maximumRecords(ofBytes bytes: Int) -> Int { max(16, bytes / 64) }

    public mutating func append(
        offset: Offset, timestamp: Instant, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: [Header] = []
    ) {
        let start = UInt32(bytes.count)
        if let key { bytes.append(contentsOf: key) }
        if let value { bytes.append(contentsOf: value) }
        records.append(
            Record(
                offset: offset, timestamp: timestamp, headers: headers, start: start,
                keyLength: Int32(key?.count ?? -1), valueLength: Int32(value?.count ?? -1)))
        if !headers.isEmpty {
            headerBytes += headers.byteCount
            headerCount += headers.count
        }
        nextOffset = offset + 1
    }

    /// The value's bytes, valid inside `body` only; nil for a tombstone.
    public func withValue<Result>(of record: Record, _ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows
        -> Result
    {
        guard let range = record.value else { return try body(nil) }
        return try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    public func value(of record: Record) -> [UInt8]? { record.value.map { Array(bytes[$0]) } }

    public func key(of record: Record) -> [UInt8]? { record.key.map { Array(bytes[$0]) } }
}
