/// When what is buffered of a partition becomes an object: as soon as one of these is reached.
public struct BatchTrigger: Hashable, Sendable {
    /// Bytes of messages, keys and headers included, before encoding. Firehose's range: 1 to 128 MiB.
    public var size: Int
    /// Since the first message arrived. Firehose's range: 0 to 900 s; 0 flushes whatever has arrived.
    public var interval: Duration
    /// Messages, readable or not; nil for no limit.
    public var messages: Int?

    public init(size: Int = 8 << 20, interval: Duration = .seconds(60), messages: Int? = nil) {
        self.size = size
        self.interval = interval
        self.messages = messages
    }

    public static let sizes = (1 << 20)...(128 << 20)
    public static let intervals = Duration.zero...Duration.seconds(900)
}
