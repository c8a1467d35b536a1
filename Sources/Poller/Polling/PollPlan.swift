import Feeds
import MarketData

/// Everything that is polled, made from valid settings: what the engine works by.
struct PollPlan: Sendable {
    struct Entry: Sendable {
        let feed: any PolledFeed
        let series: Series
        /// Microseconds.
        let interval: Int64
        let phase: Int64
        /// Into ``PollPlan/sources``.
        let source: Int
        let url: String
        let headers: [FeedRequest.Header]
        let key: [UInt8]
    }

    struct Source: Sendable {
        let name: String
        let limits: SourceLimits
    }

    private(set) var entries: [Entry] = []
    private(set) var sources: [Source] = []
    /// The names of the feeds that are polled.
    private(set) var feeds: Set<String> = []

    init(_ settings: PollerSettings) {
        var numbers: [Rhythm: Int] = [:]
        for feedSettings in settings.feeds {
            guard let feed = KnownFeeds.polled(feedSettings.name, priceTypes: feedSettings.priceTypes) else { continue }
            feeds.insert(feed.name)
            let source = index(ofSource: feed.source, settings)
            let baseURL = settings.baseURLs[feed.name] ?? feed.baseURL
            for symbol in feedSettings.symbols {
                let interval = (feedSettings.intervals[symbol] ?? feedSettings.interval).microseconds
                for series in feed.series(of: symbol) {
                    let rhythm = Rhythm(source: source, interval: interval)
                    let number = numbers[rhythm, default: 0]
                    numbers[rhythm] = number + 1
                    let request = feed.request(for: series)
                    entries.append(
                        Entry(
                            feed: feed, series: series, interval: interval,
                            phase: PollSchedule.phase(ofNumber: number, interval: interval), source: source,
                            url: request.url(below: baseURL), headers: request.headers, key: Array(symbol.utf8)))
                }
            }
        }
        for name in settings.taskFeeds {
            if let feed = KnownFeeds.task(name) { _ = index(ofSource: feed.source, settings) }
        }
    }

    func sourceIndex(of name: String) -> Int? { sources.firstIndex { $0.name == name } }

    private struct Rhythm: Hashable {
        let source: Int
        let interval: Int64
    }

    private mutating func index(ofSource name: String, _ settings: PollerSettings) -> Int {
        if let index = sourceIndex(of: name) { return index }
        sources.append(Source(name: name, limits: settings.sources[name] ?? SourceLimits()))
        return sources.count - 1
    }
}
