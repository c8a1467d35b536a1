import MarketData

/// What a source says of a price; the rest of a row of `quotes` is the poll's.
struct Quote {
    var price: Decimal
    var currency: String?
    var bid: Decimal?
    var ask: Decimal?
    var size: Decimal?
    var volume: Decimal?
    var tradeID: Int64?
    var sourceTime: Instant?

    init(price: Decimal, currency: String? = nil) {
        self.price = price
        self.currency = currency
    }
}

extension Observation {
    init(quoteOf feed: some PolledFeed, to poll: Poll, _ quote: Quote) throws(AnswerFault) {
        // In the order of the columns of Datasets.quotes.
        let values: [Value] = [
            .text(feed.name), .text(poll.series.symbol), .text(poll.series.priceType), .decimal(quote.price),
            quote.currency.map { .text($0) } ?? .null, quote.bid.map { .decimal($0) } ?? .null,
            quote.ask.map { .decimal($0) } ?? .null, quote.size.map { .decimal($0) } ?? .null,
            quote.volume.map { .decimal($0) } ?? .null, quote.tradeID.map { .integer($0) } ?? .null,
            quote.sourceTime.map { .instant($0) } ?? .null, .instant(poll.scheduledAt), .integer(poll.interval),
            .instant(poll.observedAt), .day(poll.observedAt.utcDay),
        ]
        do { self = try Observation(Datasets.quotes, inOrder: values) } catch { throw AnswerFault(error) }
    }
}
