import Testing

@testable import Poller

struct PollerSettingsTests {
    @Test("The settings that a poller has by itself are valid")
    func defaults() {
        var settings = PollerSettings()
        #expect(settings.faults().isEmpty)
        settings.feeds = [PollerSettings.Feed(name: "coinbase-spot", symbols: ["BTC-USD"])]
        #expect(settings.faults().isEmpty)
        #expect(PollPlan(settings).entries.map(\.interval) == [1_000_000, 1_000_000, 1_000_000])
    }

    @Test("Every fault is told at once, each with its place")
    func faults() {
        var settings = PollerSettings()
        settings.feeds = [
            PollerSettings.Feed(name: "nasdaq", symbols: ["A"]),
            PollerSettings.Feed(
                name: "coinbase-spot", symbols: ["BTC-USD", "btc", "BTC-USD"], interval: .milliseconds(1),
                intervals: ["ETH-USD": .seconds(1)], priceTypes: ["spot", "mid"]),
        ]
        settings.taskFeeds = ["coinbase-trades"]
        settings.baseURLs = ["coinbase-spot": "ftp://x", "other": "http://x"]
        settings.sources = ["coinbase": SourceLimits(requestsPerSecond: 0, maximumInFlight: 0)]
        settings.drain = .zero
        settings.quotesPerAppend = 0
        settings.retriesInSlot = -1
        #expect(
            settings.faults().map(\.path) == [
                "feeds[0].name", "feeds[1].symbols[1]", "feeds[1].symbols[2]", "feeds[1].interval",
                "feeds[1].intervals.ETH-USD", "feeds[1].price_types", "task_feeds", "base_urls.coinbase-spot",
                "base_urls.other", "sources.coinbase.requests_per_second", "sources.coinbase.maximum_in_flight",
                "drain", "quotes_per_append", "retries_in_slot",
            ])
    }
}
