import Feeds
import MarketData
import Testing

@Suite("coinbase-spot")
struct CoinbaseSpotTests {
    private let feed = CoinbaseSpot(priceTypes: ["spot", "buy", "sell"])

    @Test(
        "recorded answers become quotes with the exact price",
        arguments: [
            ("v2_spot_BTC-USD.json", "BTC-USD", "spot", "13012.61"),
            ("v2_buy_BTC-USD.json", "BTC-USD", "buy", "13211.14"),
            ("v2_sell_BTC-USD.json", "BTC-USD", "sell", "12911.46"),
            ("v2_spot_BTC-AUD_8dp.json", "BTC-AUD", "spot", "59465.39029629"),
            ("v2_spot_ETH-USD_2026_keyorder.json", "ETH-USD", "spot", "2723.905"),
        ])
    func recorded(file: String, symbol: String, priceType: String, price: String) throws {
        let rows = try feed.read(Recorded.coinbase(file), symbol: symbol, priceType: priceType).get()
        #expect(rows.count == 1)
        let quote = try #require(rows.first)
        #expect(quote["feed"] == .text("coinbase-spot"))
        #expect(quote["symbol"] == .text(symbol))
        #expect(quote["price_type"] == .text(priceType))
        #expect(quote["price"] == .decimal(try Decimal(parsing: price)))
        #expect(quote["currency"] == .text(String(symbol.suffix(3))))
        #expect(quote["scheduled_at"] == .instant(Recorded.due))
        #expect(quote["poll_interval"] == .integer(1_000_000))
        #expect(quote["observed_at"] == .instant(Recorded.observed))
        #expect(quote["trading_day"] == .day(try #require(Day("2023-11-14"))))
        #expect(quote["bid"] == .null)
    }

    @Test("each price type of a symbol is a series with its own request")
    func series() {
        #expect(feed.series(of: "BTC-USD").map(\.priceType) == ["spot", "buy", "sell"])
        #expect(
            feed.series(of: "BTC-USD").map { feed.request(for: $0).url(below: "http://127.0.0.1:8080/") } == [
                "http://127.0.0.1:8080/v2/prices/BTC-USD/spot", "http://127.0.0.1:8080/v2/prices/BTC-USD/buy",
                "http://127.0.0.1:8080/v2/prices/BTC-USD/sell",
            ])
    }

    @Test("members that the source may add, and a missing base, do no harm")
    func tolerant() throws {
        let body = #"{"data":{"currency":"USD","amount":"1.5","new":[{}]},"warnings":[]}"#
        #expect(try feed.read(Array(body.utf8)).get().first?["price"] == .decimal(Decimal(parsing: "1.5")))
    }

    @Test(
        "nothing but a valid quote becomes one",
        arguments: [
            (#"{"data":{"base":"BTC","currency":"USD","amount":null}}"#, GapReason.nullField),
            (#"{"data":null}"#, .nullField),
            (#"{"data":{"base":"BTC","currency":null,"amount":"1"}}"#, .nullField),
            (#"{}"#, .missingField), (#"{"data":{}}"#, .missingField),
            (#"{"data":{"base":"BTC","amount":"1"}}"#, .missingField),
            (#"{"data":{"base":"BTC","currency":"USD","amount":1.5}}"#, .wrongType),
            (#"{"data":{"base":"BTC","currency":"USD","amount":["1.5"]}}"#, .wrongType),
            (#"{"data":{"base":7,"currency":"USD","amount":"1.5"}}"#, .wrongType),
            (#"{"data":{"base":"BTC","currency":true,"amount":"1.5"}}"#, .wrongType),
            (#"{"data":"x"}"#, .wrongType), (#"[]"#, .wrongType), (#""1.5""#, .wrongType), ("1.5", .wrongType),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"NaN"}}"#, .notANumber),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"Infinity"}}"#, .notANumber),
            (#"{"data":{"base":"BTC","currency":"USD","amount":""}}"#, .notANumber),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"1,5"}}"#, .notANumber),
            (#"{"data":{"base":"BTC","currency":"USD","amount":" 1.5"}}"#, .notANumber),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"0"}}"#, .notPositive),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"-0.00"}}"#, .notPositive),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"-1"}}"#, .notPositive),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"1e20"}}"#, .doesNotFit),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"1e-19"}}"#, .doesNotFit),
            (#"{"data":{"base":"ETH","currency":"USD","amount":"1"}}"#, .wrongSymbol),
            (#"{"data":{"base":"BTC","currency":"EUR","amount":"1"}}"#, .wrongSymbol),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"1","amount":"2"}}"#, .duplicateKey),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"1.5""#, .malformed), ("", .malformed),
            (#"{"data":{"base":"BTC","currency":"USD","amount":"1.5"}}x"#, .malformed),
            ("<!DOCTYPE html><html></html>", .html), ("\n <html>", .html), ("\u{FEFF}<html>", .html),
        ] as [(String, GapReason)])
    func faults(body: String, reason: GapReason) {
        #expect(feed.read(Array(body.utf8)).reason == reason)
    }

    @Test("an answer that is too deep or too large is refused")
    func bounds() {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(feed.read(Array(deep.utf8)).reason == .tooDeep)
        let large = "\"" + String(repeating: "x", count: feed.maximumAnswerBytes) + "\""
        #expect(feed.read(Array(large.utf8)).reason == .tooLarge)
    }

    @Test("every prefix of a recorded answer is a fault")
    func truncated() throws {
        let whole = try Recorded.coinbase("v2_spot_BTC-USD.json")
        for length in 0..<whole.count {
            #expect(feed.read(Array(whole[..<length])).reason == .malformed, "\(length) bytes")
        }
    }

    @Test("every byte that is changed leaves a fault or a quote of the asked symbol, never a crash")
    func altered() throws {
        let whole = try Recorded.coinbase("v2_spot_BTC-USD.json")
        for index in whole.indices {
            for byte in [UInt8](0...255) {
                var body = whole
                body[index] = byte
                guard case .success(let rows) = feed.read(body) else { continue }
                #expect(rows.count == 1)
                #expect(rows.first?["currency"] == .text("USD"))
                guard case .decimal(let price)? = rows.first?["price"] else {
                    Issue.record("byte \(index) as \(byte): no price")
                    continue
                }
                #expect(price > .zero)
            }
        }
    }

    @Test("bytes that are no UTF-8 are named")
    func notUTF8() {
        #expect(feed.read(Array(#"{"data":""#.utf8) + [0xFF] + Array(#""}"#.utf8)).reason == .notUTF8)
    }

    @Test("errors by status are named with the source's words, whatever the body looks like")
    func statuses() throws {
        let limited = feed.read(try Recorded.coinbase("v2_error_429.json"), status: 429)
        #expect(limited == .failure(AnswerFault(.rateLimited, "HTTP status 429: Too many requests")))
        let absent = feed.read(try Recorded.coinbase("v2_error_404_not_found.json"), status: 404)
        #expect(absent == .failure(AnswerFault(.httpStatus, "HTTP status 404: Not found")))
        let good = try Recorded.coinbase("v2_spot_BTC-USD.json")
        for status in [0, 204, 206, 301, 400, 500, 503] {
            #expect(feed.read(good, status: status).reason == .httpStatus)
        }
        #expect(feed.read(Array("<html>".utf8), status: 503).reason == .httpStatus)
    }

    @Test(
        "symbols are base and quote in capitals",
        arguments: [
            ("BTC-USD", true), ("1INCH-EUR", true), ("btc-usd", false), ("BTCUSD", false), ("BTC-", false),
            ("-USD", false),
            ("A-B-C", false), ("BTC-US/../D", false), ("", false), ("BTC-USD?x", false),
        ])
    func symbols(text: String, isSymbol: Bool) {
        #expect(feed.isSymbol(text) == isSymbol)
    }
}
