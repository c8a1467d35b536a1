import MarketData

/// What is fetched from a source, and how its answers are read into one dataset. A feed is a value without state:
/// clocks, connections and rate limits are the poller's.
public protocol Feed: Sendable {
    /// As in settings, topics and the column `feed`: `coinbase-spot`.
    var name: String { get }
    var dataset: Dataset { get }
    /// Whose rate limit its requests count against; feeds of one source share it.
    var source: String { get }
    /// The source's own address, `https://host`; a setting may put another in its place.
    var baseURL: String { get }
    /// A longer answer is refused unread.
    var maximumAnswerBytes: Int { get }

    /// Whether the source could know this symbol; it says nothing about whether it does.
    func isSymbol(_ symbol: String) -> Bool
}

/// A feed whose series are asked for again and again, each on its own clock.
public protocol PolledFeed: Feed {
    /// What one symbol of the settings stands for: one series or more, each polled by itself.
    func series(of symbol: String) -> [Series]

    func request(for series: Series) -> FeedRequest

    /// Reads an answer. What is not wholly valid is a fault: nothing is guessed, rounded or left out.
    func read(_ answer: Answer, to poll: Poll) -> Result<[Observation], AnswerFault>
}

/// A feed whose requests are tasks of a run, each asked for until it succeeds once.
public protocol TaskFeed: Feed {
    /// The bar lengths, in seconds, that may be asked for.
    var intervals: [Int64] { get }

    /// Cuts [from, to) into tasks, in ascending order of time. Equal arguments give equal tasks, whoever asks and
    /// whenever; none where the range holds no whole bar.
    ///
    /// - Parameter interval: one of ``intervals``.
    func tasks(symbol: String, interval: Int64, from: Instant, to: Instant) -> [FeedTask]

    func request(for task: FeedTask) -> FeedRequest

    /// Reads an answer into rows in ascending order of time; no row is a success.
    ///
    /// - Parameters:
    ///   - run: the run that the rows carry.
    ///   - observedAt: when the answer was complete.
    func read(_ answer: Answer, to task: FeedTask, run: String, observedAt: Instant) -> Result<
        [Observation], AnswerFault
    >
}

/// One thing that is polled: a symbol, and which of its prices.
public struct Series: Hashable, Sendable {
    public let symbol: String
    /// The column `price_type`: spot, buy, sell or trade.
    public let priceType: String

    public init(symbol: String, priceType: String) {
        self.symbol = symbol
        self.priceType = priceType
    }
}

/// One poll of a series.
public struct Poll: Hashable, Sendable {
    public let series: Series
    /// When it was due: the start of its slot.
    public let scheduledAt: Instant
    /// The slot's length in microseconds.
    public let interval: Int64
    /// When the answer was complete.
    public let observedAt: Instant

    public init(series: Series, scheduledAt: Instant, interval: Int64, observedAt: Instant) {
        self.series = series
        self.scheduledAt = scheduledAt
        self.interval = interval
        self.observedAt = observedAt
    }
}

/// A GET request, relative to its feed's base URL.
public struct FeedRequest: Hashable, Sendable {
    public struct Header: Hashable, Sendable {
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Path and query, percent-encoded, starting with a slash.
    public let target: String
    public let headers: [Header]

    public init(target: String, headers: [Header] = [Header(name: "Accept", value: "application/json")]) {
        self.target = target
        self.headers = headers
    }

    /// The whole URL below a base URL with or without a slash at its end.
    public func url(below baseURL: String) -> String {
        (baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL) + target
    }
}

/// What a source answered; the body is borrowed for the time of the call that takes it.
public struct Answer {
    public let status: Int
    public let contentType: String?
    public let body: UnsafeRawBufferPointer

    public init(status: Int, contentType: String? = nil, body: UnsafeRawBufferPointer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// Why an answer yields nothing: the gap's reason, and what was seen, in a sentence.
public struct AnswerFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let reason: GapReason
    public let detail: String

    public init(_ reason: GapReason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }

    public var description: String { "\(reason.rawValue): \(detail)" }
}
