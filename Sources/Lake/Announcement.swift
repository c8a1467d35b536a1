import MarketData

/// An object-created message: what the flusher says of a raw object on `pregao.objects`, keyed by topic and partition.
///
/// Its JSON has the shape of an S3 event notification, with a `pregao` object beside `s3` in the record.
public struct Announcement: Hashable, Sendable {
    public static let topic = "pregao.objects"
    /// The most trading days that one object should hold: each takes up to about 130 bytes of a message that logs take
    /// up to 1 MiB of.
    public static let maximumDays = 4000

    public let bucket: String
    /// The store's own. Not URL-encoded here; the message encodes it as S3 does.
    public let key: String
    /// What the key in the bucket has before the store's own: empty, or ending in a slash.
    public let keyPrefix: String
    public let size: Int64
    public let sha256: String
    public let dataset: String
    public let schemaVersion: Int
    public let epoch: String
    public let topic: String
    public let partition: Int32
    /// The half-open range of the group's positions that the object covers.
    public let start: Int64
    public let end: Int64
    public let rows: Int64
    /// Messages of the range that went to the dead letters.
    public let rejected: Int64
    /// Why an object has no row, where it has none: all-rejected, lost-to-retention, before-first-start.
    public let emptyReason: String?
    /// The distinct trading days inside, ascending.
    public let days: [DayContent]
    public let announcedAt: Instant

    /// What an object holds of one trading day.
    public struct DayContent: Hashable, Sendable {
        public let day: Day
        public let rows: Int64
        /// The least and greatest value of the dataset's trading-day column among those rows.
        public let first: Instant
        public let last: Instant

        public init(day: Day, rows: Int64, first: Instant, last: Instant) {
            self.day = day
            self.rows = rows
            self.first = first
            self.last = last
        }
    }

    public init(
        bucket: String, key: String, size: Int64, sha256: String, dataset: String, schemaVersion: Int, epoch: String,
        topic: String, partition: Int32, start: Int64, end: Int64, rows: Int64, rejected: Int64, emptyReason: String?,
        days: [DayContent], announcedAt: Instant, keyPrefix: String = ""
    ) {
        self.bucket = bucket
        self.key = key
        self.keyPrefix = keyPrefix
        self.size = size
        self.sha256 = sha256
        self.dataset = dataset
        self.schemaVersion = schemaVersion
        self.epoch = epoch
        self.topic = topic
        self.partition = partition
        self.start = start
        self.end = end
        self.rows = rows
        self.rejected = rejected
        self.emptyReason = emptyReason
        self.days = days
        self.announcedAt = announcedAt
    }
}

/// Why bytes are not an object-created message.
public struct AnnouncementFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let reason: String

    public init(_ reason: String) { self.reason = reason }

    public var description: String { "not an object-created message: \(reason)" }
}
