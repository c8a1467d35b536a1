import Feeds
import MarketData

/// What the poller does. ``faults()`` says what is wrong with it; a poller runs only from settings without faults.
public struct PollerSettings: Hashable, Sendable {
    /// One polled feed: what it watches, and how often.
    public struct Feed: Hashable, Sendable {
        /// One of ``KnownFeeds/polledNames``.
        public var name: String
        public var symbols: [String]
        /// The length of a slot; each series is polled once in it.
        public var interval: Duration
        /// Symbols that are polled at another interval.
        public var intervals: [String: Duration]
        /// Some of ``KnownFeeds/priceTypes(of:)``; all where nil.
        public var priceTypes: [String]?

        public init(
            name: String, symbols: [String], interval: Duration = .seconds(1), intervals: [String: Duration] = [:],
            priceTypes: [String]? = nil
        ) {
            self.name = name
            self.symbols = symbols
            self.interval = interval
            self.intervals = intervals
            self.priceTypes = priceTypes
        }
    }

    /// The feeds that are polled; none for a poller that only works off tasks.
    public var feeds: [Feed] = []
    /// The feeds whose tasks are worked off, some of ``KnownFeeds/taskNames``.
    public var taskFeeds: [String] = KnownFeeds.taskNames
    /// By feed: an address other than the source's own, such as the local exchange's.
    public var baseURLs: [String: String] = [:]
    /// By source (``Feed/source``); a source without an entry has the defaults.
    public var sources: [String: SourceLimits] = [:]
    /// This process among the pollers: unique, and stable across restarts.
    public var instance = "poller"
    public var http = HTTPSettings()

    /// Requests made again inside a slot whose first one failed.
    public var retriesInSlot = 1
    /// Polls of one source that wait for a place among its requests under way; beyond it the oldest becomes a gap.
    public var maximumWaiting = 20_000
    /// Quotes, and bytes of them, that wait for the log; beyond it the oldest becomes a gap.
    public var maximumBufferedQuotes = 50_000
    public var maximumBufferedBytes = 32 << 20
    /// Quotes in one append, and how long the first of them waits for others.
    public var quotesPerAppend = 5_000
    public var linger: Duration = .milliseconds(5)
    /// A gap that goes on is recorded in pieces of at most this.
    public var longestOpenGap: Duration = .seconds(10)
    /// How often it is recorded up to when the slots are accounted for.
    public var slotsInterval: Duration = .seconds(30)
    /// At a shutdown: how long requests under way may take, and then how long the log may.
    public var drain: Duration = .seconds(2)

    /// Tasks of a feed that are fetched at once.
    public var tasksAtOnce = 4
    /// Tasks in one commit, and how long a finished one waits for others.
    public var tasksPerCommit = 100
    public var taskCommitInterval: Duration = .seconds(10)
    /// Requests made again for a task before it counts as failed, after pauses that double from the first.
    public var taskRetries = 3
    public var taskRetryPause: Duration = .seconds(2)

    public init() {}
}

/// How requests are made.
public struct HTTPSettings: Hashable, Sendable {
    public var userAgent = "Pregao/0.1 (market data collection)"
    public var connectTimeout: Duration = .seconds(3)
    /// From the start of a request to the last byte of its answer.
    public var totalTimeout: Duration = .seconds(10)
    /// Connections that are kept open for the next request.
    public var idleConnections = 256

    public init() {}
}

/// What is wrong with settings, and where: `feeds[0].symbols[2]`.
public struct PollerSettingsFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let path: String
    public let problem: String

    public var description: String { "\(path): \(problem)" }
}

extension PollerSettings {
    /// Every fault, in the settings' order; empty where the settings are valid.
    public func faults() -> [PollerSettingsFault] {
        var faults: [PollerSettingsFault] = []
        func check(_ isGood: Bool, _ path: String, _ problem: String) {
            if !isGood { faults.append(PollerSettingsFault(path: path, problem: problem)) }
        }
        for (index, feed) in feeds.enumerated() { faults += feed.faults(at: "feeds[\(index)]") }
        for name in Set(feeds.map(\.name)) {
            check(feeds.count { $0.name == name } == 1, "feeds", "\(name) is there twice")
        }
        for name in taskFeeds {
            check(KnownFeeds.task(name) != nil, "task_feeds", "\(name) is none of \(KnownFeeds.taskNames)")
        }
        let known = KnownFeeds.polledNames + KnownFeeds.taskNames
        for (name, url) in baseURLs.sorted(by: { $0.key < $1.key }) {
            check(known.contains(name), "base_urls.\(name)", "no such feed")
            check(
                url.hasPrefix("http://") || url.hasPrefix("https://"), "base_urls.\(name)",
                "\(url) is not an http or https URL")
        }
        for (name, limits) in sources.sorted(by: { $0.key < $1.key }) { faults += limits.faults(at: "sources.\(name)") }
        check(!instance.isEmpty, "instance", "must not be empty")
        check(!http.userAgent.isEmpty, "http.user_agent", "must not be empty")
        for (path, duration) in durations { check(duration > .zero, path, "must be above zero") }
        for (path, count) in counts { check(count > 0, path, "must be above zero") }
        for (path, count) in [("retries_in_slot", retriesInSlot), ("task_retries", taskRetries)] {
            check(count >= 0, path, "must not be negative")
        }
        return faults
    }

    private var durations: [(String, Duration)] {
        [
            ("http.connect_timeout", http.connectTimeout), ("http.total_timeout", http.totalTimeout),
            ("linger", linger), ("longest_open_gap", longestOpenGap), ("slots_interval", slotsInterval),
            ("drain", drain), ("task_commit_interval", taskCommitInterval), ("task_retry_pause", taskRetryPause),
        ]
    }

    private var counts: [(String, Int)] {
        [
            ("http.idle_connections", http.idleConnections), ("maximum_waiting", maximumWaiting),
            ("maximum_buffered_quotes", maximumBufferedQuotes), ("maximum_buffered_bytes", maximumBufferedBytes),
            ("quotes_per_append", quotesPerAppend), ("tasks_at_once", tasksAtOnce),
            ("tasks_per_commit", tasksPerCommit),
        ]
    }
}

extension PollerSettings.Feed {
    fileprivate func faults(at path: String) -> [PollerSettingsFault] {
        guard let feed = KnownFeeds.polled(name) else {
            return [PollerSettingsFault(path: "\(path).name", problem: "\(name) is none of \(KnownFeeds.polledNames)")]
        }
        var faults: [PollerSettingsFault] = []
        func check(_ isGood: Bool, _ place: String, _ problem: String) {
            if !isGood { faults.append(PollerSettingsFault(path: "\(path).\(place)", problem: problem)) }
        }
        check(!symbols.isEmpty, "symbols", "must not be empty")
        var seen: Set<String> = []
        for (index, symbol) in symbols.enumerated() {
            check(feed.isSymbol(symbol), "symbols[\(index)]", "\(symbol) is no symbol of \(name)")
            check(seen.insert(symbol).inserted, "symbols[\(index)]", "\(symbol) is there twice")
        }
        let shortest = Duration.milliseconds(10)
        check(interval >= shortest, "interval", "must be at least 10 ms")
        for (symbol, interval) in intervals.sorted(by: { $0.key < $1.key }) {
            check(seen.contains(symbol), "intervals.\(symbol)", "is not among the symbols")
            check(interval >= shortest, "intervals.\(symbol)", "must be at least 10 ms")
        }
        for type in priceTypes ?? [] {
            check(KnownFeeds.priceTypes(of: name).contains(type), "price_types", "\(type) is no price type of \(name)")
        }
        if let priceTypes { check(!priceTypes.isEmpty, "price_types", "must not be empty") }
        return faults
    }
}

extension SourceLimits {
    fileprivate func faults(at path: String) -> [PollerSettingsFault] {
        var faults: [PollerSettingsFault] = []
        func check(_ isGood: Bool, _ place: String, _ problem: String) {
            if !isGood { faults.append(PollerSettingsFault(path: "\(path).\(place)", problem: problem)) }
        }
        let rate = requestsPerSecond ?? 1
        check(rate.isFinite && rate > 0 && rate <= 1e6, "requests_per_second", "must be above 0, up to 1,000,000")
        check(burst > 0, "burst", "must be above zero")
        check(dailyBudget ?? 1 > 0, "daily_budget", "must be above zero")
        check(maximumInFlight > 0, "maximum_in_flight", "must be above zero")
        check(failuresThatOpen > 0, "failures_that_open", "must be above zero")
        check(shortestPause > .zero, "shortest_pause", "must be above zero")
        check(longestPause >= shortestPause, "longest_pause", "must not be below shortest_pause")
        return faults
    }
}
