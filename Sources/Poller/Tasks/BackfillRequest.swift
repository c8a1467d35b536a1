import Feeds
import MarketData

/// What a backfill asks for: the bars of symbols that start in [from, to).
public struct BackfillRequest: Hashable, Sendable {
    /// One of ``KnownFeeds/taskNames``.
    public var feed: String
    public var symbols: [String]
    /// The bars' length in seconds; one of the feed's ``TaskFeed/intervals``.
    public var interval: Int64
    public var from: Instant
    /// What lies in the future is left out.
    public var to: Instant

    public init(feed: String, symbols: [String], interval: Int64, from: Instant, to: Instant) {
        self.feed = feed
        self.symbols = symbols
        self.interval = interval
        self.from = from
        self.to = to
    }

    /// Everything that is wrong with the request; empty where it can be asked.
    public func faults() -> [String] {
        guard let known = KnownFeeds.task(feed) else { return ["\(feed) is none of \(KnownFeeds.taskNames)"] }
        var faults: [String] = []
        if symbols.isEmpty { faults.append("no symbol is given") }
        for symbol in symbols where !known.isSymbol(symbol) { faults.append("\(symbol) is no symbol of \(feed)") }
        if !known.intervals.contains(interval) { faults.append("\(interval) s is none of \(known.intervals)") }
        if !Instant.plausible.contains(from) { faults.append("\(from) lies outside 2000 to 2100") }
        if !Instant.plausible.contains(to) { faults.append("\(to) lies outside 2000 to 2100") }
        if from >= to { faults.append("the range from \(from) to \(to) is empty") }
        return faults
    }

    /// The same for the same request, whoever asks and whenever.
    var runID: String {
        let text = "\(feed) \(Set(symbols).sorted().joined(separator: ",")) \(interval) \(from) \(to)"
        return "backfill-\(String(stableHash(text), radix: 16))"
    }

    var detail: String {
        "bars of \(interval) s of \(Set(symbols).sorted().joined(separator: ", ")) from \(from) to \(to)"
    }
}

/// How far a backfill is.
public struct BackfillProgress: Hashable, Sendable {
    /// Tasks that the request depends on and that had not ended when it was made; 0 where there was nothing to do.
    public var tasks = 0
    public var succeeded = 0
    public var failed = 0
    /// Rows that the succeeded tasks yielded.
    public var rows: Int64 = 0
    /// Why tasks failed, the first few.
    public var failures: [String] = []

    public var isDone: Bool { succeeded + failed == tasks }

    public init() {}
}
