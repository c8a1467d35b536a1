import JSON
import MarketData

/// One request of a run: the bars of a symbol that start in [from, to).
public struct FeedTask: Hashable, Sendable {
    public let symbol: String
    /// The bars' length in seconds.
    public let interval: Int64
    public let from: Instant
    public let to: Instant
    /// Unique in its feed; equal for equal requests: `BTC-USD/60/2026-01-01T00:00:00Z`.
    public let key: String

    public init(symbol: String, interval: Int64, from: Instant, to: Instant, key: String) {
        self.symbol = symbol
        self.interval = interval
        self.from = from
        self.to = to
        self.key = key
    }

    /// Writes the task's members into the object that the writer is in.
    public func write(to writer: inout JSONWriter) {
        writer.name("task_key")
        writer.string(key)
        writer.name("symbol")
        writer.string(symbol)
        writer.name("interval")
        writer.integer(interval)
        writer.name("from_time")
        writer.instant(from)
        writer.name("to_time")
        writer.instant(to)
    }

    /// Reads what ``write(to:)`` writes.
    ///
    /// - Returns: nil where a member is missing or in another form.
    public init?(_ json: JSONValue) {
        guard let key = json["task_key"]?.string, let symbol = json["symbol"]?.string,
            let interval = json["interval"]?.int64, interval > 0,
            let from = json["from_time"]?.string.flatMap({ Instant(rfc3339: $0) }),
            let to = json["to_time"]?.string.flatMap({ Instant(rfc3339: $0) }), from < to
        else { return nil }
        self.init(symbol: symbol, interval: interval, from: from, to: to, key: key)
    }
}
