/// How an embedded log times its leases, looks for news and bounds its sizes.
public struct SQLiteLogSettings: Hashable, Sendable {
    /// How long a member keeps its partitions without a heartbeat.
    public var lease: Duration = .seconds(10)
    /// How often members renew their leases; well below ``lease``.
    public var heartbeat: Duration = .seconds(2)
    /// How soon what other processes appended is seen. Appends of this process are seen at once.
    public var watch: Duration = .milliseconds(25)
    /// How long a write waits for other processes' writes before it fails as ``LogError/Kind/busy``.
    public var busyWait: Duration = .seconds(5)
    /// The write-ahead log's size, in bytes, from which it is moved into the file.
    public var checkpointBytes = 16 << 20
    /// The most that a message's key, value and headers may have together, in bytes.
    public var maximumMessageBytes = 1 << 20
    /// The most that one ``ConsumerEvent/records(_:)`` brings, in bytes, unless it is one message.
    public var fetchBytes = 1 << 20
    /// The most that the file may grow to, in bytes; nil leaves it to the disk. Beyond it appends fail as
    /// ``LogError/Kind/cannotWrite`` until retention has made room.
    public var maximumFileBytes: Int?

    public init() {}
}
