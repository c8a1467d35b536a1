import MarketData

/// The name of a raw object: its position in the log, and its content.
///
/// `raw/<dataset>/dt=<day>/<topic>~<epoch>-<partition>-<start>-<end>-<16 hex of the sha256>.parquet`, start and end
/// being the half-open range of the group's positions before and after, zero-padded to 20 digits, so that ranges tile
/// and names sort by position. The day is the UTC day of the first message's log timestamp.
public struct RawObjectName: Hashable, Sendable {
    public let dataset: String
    public let day: Day
    public let topic: String
    public let epoch: String
    public let partition: Int32
    public let start: Int64
    public let end: Int64
    /// The first 16 hexadecimal digits of the content's sha256, lower case.
    public let digest: String

    public init(
        dataset: String, day: Day, topic: String, epoch: String, partition: Int32, start: Int64, end: Int64,
        sha256: String
    ) {
        self.dataset = dataset
        self.day = day
        self.topic = topic
        self.epoch = epoch
        self.partition = partition
        self.start = start
        self.end = end
        digest = String(sha256.prefix(16))
    }

    public var key: String {
        "raw/\(dataset)/dt=\(day)/\(topic)~\(epoch)-\(partition)-\(padded(start))-\(padded(end))-\(digest).parquet"
    }

    private func padded(_ offset: Int64) -> String {
        let text = String(offset)
        return String(repeating: "0", count: max(0, 20 - text.count)) + text
    }

    /// Reads a key; nil where it is not a raw object's.
    public init?(key: String) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "raw", parts[2].hasPrefix("dt="), let day = Day(parts[2].dropFirst(3)),
            parts[3].hasSuffix(".parquet"), let tilde = parts[3].lastIndex(of: "~")
        else { return nil }
        let fields = parts[3][parts[3].index(after: tilde)...].dropLast(8).split(
            separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 5, let partition = Int32(fields[1]), fields[2].count == 20, let start = Int64(fields[2]),
            fields[3].count == 20, let end = Int64(fields[3]), fields[4].count == 16
        else { return nil }
        self.init(
            dataset: String(parts[1]), day: day, topic: String(parts[3][..<tilde]), epoch: String(fields[0]),
            partition: partition, start: start, end: end, sha256: String(fields[4]))
        guard self.key == key else { return nil }
    }
}
