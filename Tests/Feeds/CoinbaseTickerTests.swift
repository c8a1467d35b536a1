import Feeds
import MarketData
import Testing

@Suite("coinbase-ticker")
struct CoinbaseTickerTests {
    private let feed = CoinbaseTicker()

    @Test("the recorded answer becomes a quote with everything it says")
    func recorded() throws {
        let rows = try feed.read(
            Recorded.coinbase("exchange_ticker_BTC-USD_2017-10-03.json"), priceType: "trade"
        ).get()
        let quote = try #require(rows.first)
        #expect(rows.count == 1)
        #expect(quote["feed"] == .text("coinbase-ticker"))
        #expect(quote["price_type"] == .text("trade"))
        #expect(quote["price"] == .decimal(try Decimal(parsing: "4417.01")))
        #expect(quote["bid"] == .decimal(Decimal(4417)))
        #expect(quote["ask"] == .decimal(try Decimal(parsing: "4417.01")))
        #expect(quote["size"] == .decimal(try Decimal(parsing: "0.00000225")))
        #expect(quote["volume"] == .decimal(try Decimal(parsing: "7878.23402368")))
        #expect(quote["trade_id"] == .integer(21_554_152))
        #expect(quote["source_time"] == .instant(try #require(Instant(rfc3339: "2017-10-03T04:00:31.887Z"))))
        #expect(quote["trading_day"] == .day(Recorded.observed.utcDay))
    }

    @Test("the request names the product")
    func request() {
        let series = feed.series(of: "BTC-USD")
        #expect(series == [Series(symbol: "BTC-USD", priceType: "trade")])
        #expect(series.map { feed.request(for: $0).target } == ["/products/BTC-USD/ticker"])
    }

    @Test("a price alone is a quote; what the source leaves out or nulls is null")
    func sparse() throws {
        let row = try feed.read(Array(#"{"price":"1","bid":null}"#.utf8)).get().first
        #expect(row?["price"] == .decimal(Decimal(1)))
        #expect(row?["bid"] == .null)
        #expect(row?["source_time"] == .null)
    }

    @Test(
        "what is there must be valid",
        arguments: [
            (#"{"bid":"1"}"#, GapReason.missingField), (#"{"price":null}"#, .nullField), (#"{"price":1}"#, .wrongType),
            (#"{"price":"1","bid":"x"}"#, .notANumber), (#"{"price":"1","ask":2}"#, .wrongType),
            (#"{"price":"1","bid":"0"}"#, .notPositive), (#"{"price":"1","size":"-1"}"#, .notPositive),
            (#"{"price":"1","volume":"1e30"}"#, .doesNotFit), (#"{"price":"1","trade_id":"7"}"#, .wrongType),
            (#"{"price":"1","trade_id":7.5}"#, .wrongType), (#"{"price":"1","time":7}"#, .wrongType),
            (#"{"price":"1","time":"yesterday"}"#, .implausibleTime),
            (#"{"price":"1","time":"1999-12-31T23:59:59Z"}"#, .implausibleTime),
            (#"{"price":"1","time":"2100-01-01T00:00:00Z"}"#, .implausibleTime),
            (#"{"message":"NotFound"}"#, .missingField), (#"[]"#, .wrongType),
        ] as [(String, GapReason)])
    func faults(body: String, reason: GapReason) {
        #expect(feed.read(Array(body.utf8)).reason == reason)
    }

    @Test("the Exchange's error message is kept")
    func message() {
        let answer = feed.read(Array(#"{"message":"NotFound"}"#.utf8), status: 404)
        #expect(answer == .failure(AnswerFault(.httpStatus, "HTTP status 404: NotFound")))
    }

    @Test("a clock of ours that is out of its mind makes no quote")
    func ourClock() {
        let poll = Poll(
            series: Series(symbol: "BTC-USD", priceType: "trade"), scheduledAt: Recorded.due, interval: 1_000_000,
            observedAt: Instant(microseconds: 0))
        let result = Array(#"{"price":"1"}"#.utf8).withUnsafeBytes {
            feed.read(Answer(status: 200, body: $0), to: poll)
        }
        #expect(result.reason == .implausibleTime)
    }
}
