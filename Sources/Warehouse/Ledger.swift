import Lake
import MarketData

/// How far the ledger reaches in a partition: it tiles [start, end).
public struct LedgerRange: Hashable, Sendable {
    public let partition: LedgerPartition
    /// Where the first registered range starts.
    public let start: Int64
    public let end: Int64

    public init(partition: LedgerPartition, start: Int64, end: Int64) {
        self.partition = partition
        self.start = start
        self.end = end
    }
}

/// A raw object, as the ledger has it.
public struct LedgerObject: Hashable, Sendable {
    /// As announced, its days in ascending order.
    public let announcement: Announcement
    /// How the engine names it; empty for a refused one.
    public let location: String
    public let status: LedgerStatus
    /// Why it is refused, or has no row.
    public let reason: String?
    public let registeredAt: Instant
    /// The catalog's sequence when it was written.
    public let sequence: Int64
    /// Where the compacted file is from which its rows are read, once it has expired; nil before.
    public let expiredInto: String?

    /// Whether raw need not have it any more.
    public var isExpired: Bool { expiredInto != nil }
}

/// The current version of a model's day.
public struct PublishedDay: Hashable, Sendable {
    public let model: String
    public let day: Day
    public let version: Int64
    /// The catalog's sequence of the snapshot that it was computed from.
    public let sequence: Int64
    public let rows: Int64
    /// How the engine names the file; nil where the day has no row and so no file.
    public let path: String?
    public let size: Int64
    public let sha256: String
    public let publishedAt: Instant

    /// `<model>@<day>@<version>`, as an input is named.
    public var inputName: String { "\(model)@\(day)@\(version)" }
}

/// What a published day was computed from.
public struct PublicationInput: Hashable, Sendable {
    /// An object's key, or `<model>@<day>@<version>`.
    public let name: String
    public let sha256: String

    public init(name: String, sha256: String) {
        self.name = name
        self.sha256 = sha256
    }
}

extension LedgerRange {
    static let columns = "epoch, topic, partition, start_offset, end_offset"

    init(row: Row) throws(CatalogError) {
        self.init(
            partition: LedgerPartition(
                epoch: try row.requiredText("epoch"), topic: try row.requiredText("topic"),
                partition: Int32(truncatingIfNeeded: try row.requiredInteger("partition"))),
            start: try row.requiredInteger("start_offset"), end: try row.requiredInteger("end_offset"))
    }
}

extension LedgerObject {
    static let columns = """
        key, bucket, location, dataset, schema_version, epoch, topic, partition, start_offset, end_offset, rows, \
        rejected, size, sha256, status, reason, epoch_us(announced_at) AS announced_at, \
        epoch_us(registered_at) AS registered_at, sequence, expired_into
        """

    init(row: Row, days: [Announcement.DayContent]) throws(CatalogError) {
        guard let status = LedgerStatus(rawValue: try row.requiredText("status")) else {
            throw CatalogError(.corrupt, doing: "read \(row.text("key") ?? "")", cause: "unknown status")
        }
        self.status = status
        reason = row.text("reason")
        let key = try row.requiredText("key")
        location = try row.requiredText("location")
        announcement = Announcement(
            bucket: try row.requiredText("bucket"), key: key,
            size: try row.requiredInteger("size"), sha256: try row.requiredText("sha256"),
            dataset: try row.requiredText("dataset"), schemaVersion: Int(try row.requiredInteger("schema_version")),
            epoch: try row.requiredText("epoch"), topic: try row.requiredText("topic"),
            partition: Int32(truncatingIfNeeded: try row.requiredInteger("partition")),
            start: try row.requiredInteger("start_offset"), end: try row.requiredInteger("end_offset"),
            rows: try row.requiredInteger("rows"), rejected: try row.requiredInteger("rejected"),
            emptyReason: status == .empty ? row.text("reason") : nil, days: days,
            announcedAt: try row.requiredInstant(microseconds: "announced_at"),
            keyPrefix: Self.keyPrefix(of: key, at: location))
        registeredAt = try row.requiredInstant(microseconds: "registered_at")
        expiredInto = row.text("expired_into")
        sequence = try row.requiredInteger("sequence")
    }
}

extension LedgerObject {
    /// What stands between the bucket and the key in a URI; a path has no bucket.
    private static func keyPrefix(of key: String, at location: String) -> String {
        guard let separator = location.firstRange(of: "://"), location.hasSuffix(key) else { return "" }
        let path = location[separator.upperBound...].dropLast(key.count)
        return path.firstIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? ""
    }
}

extension Announcement.DayContent {
    static let columns = """
        key, trading_day, rows AS day_rows, epoch_us(first_time) AS first_time, epoch_us(last_time) AS last_time
        """

    init(row: Row) throws(CatalogError) {
        self.init(
            day: try row.requiredDay("trading_day"), rows: try row.requiredInteger("day_rows"),
            first: try row.requiredInstant(microseconds: "first_time"),
            last: try row.requiredInstant(microseconds: "last_time"))
    }
}

extension PublishedDay {
    static let columns = """
        model, trading_day, version, sequence, rows, path, size, sha256, epoch_us(published_at) AS published_at
        """

    init(row: Row) throws(CatalogError) {
        self.init(
            model: try row.requiredText("model"), day: try row.requiredDay("trading_day"),
            version: try row.requiredInteger("version"), sequence: try row.requiredInteger("sequence"),
            rows: try row.requiredInteger("rows"), path: row.text("path"), size: try row.requiredInteger("size"),
            sha256: try row.requiredText("sha256"),
            publishedAt: try row.requiredInstant(microseconds: "published_at"))
    }
}
