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
        let key: Range<Int>?
        let value: Range<Int>?
        public let headers: [Header]

        /// The key's and the value's lengths together.
        public var byteCount: Int { (key?.count ?? 0) + (value?.count ?? 0) }
    }

    public let source: TopicPartition
    public private(set) var records: [Record] = []
    /// The group's position after this batch: at least one past the last record's offset.
    public var nextOffset: Offset
    private var bytes: [UInt8] = []

    public init(source: TopicPartition, startingAt offset: Offset) {
        self.source = source
        nextOffset = offset
    }

    /// The sum of keys' and values' lengths.
    public var byteCount: Int { bytes.count }

    public mutating func append(
        offset: Offset, timestamp: Instant, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: [Header] = []
    ) {
        records.append(
            Record(offset: offset, timestamp: timestamp, key: store(key), value: store(value), headers: headers))
        nextOffset = offset + 1
    }

    private mutating func store(_ part: UnsafeRawBufferPointer?) -> Range<Int>? {
        guard let part else { return nil }
        let start = bytes.count
        bytes.append(contentsOf: part)
        return start..<bytes.count
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
