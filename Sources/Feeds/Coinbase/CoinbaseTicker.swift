import JSON
import MarketData

/// The Coinbase Exchange's last trade: `GET /products/BTC-USD/ticker`.
///
/// `trade_id` is a number; `price`, `size`, `bid`, `ask` and `volume` (of 24 hours) are strings; `time` is RFC 3339.
public struct CoinbaseTicker: PolledFeed {
    public static let name = "coinbase-ticker"

    public var name: String { Self.name }
    public let dataset = Datasets.quotes
    public let source = "coinbase-exchange"
    public let baseURL = "https://api.exchange.coinbase.com"
    public let maximumAnswerBytes = 1 << 16

    public init() {}

    public func isSymbol(_ symbol: String) -> Bool { CoinbaseSymbol(symbol) != nil }

    public func series(of symbol: String) -> [Series] { [Series(symbol: symbol, priceType: "trade")] }

    public func request(for series: Series) -> FeedRequest {
        FeedRequest(target: "/products/\(series.symbol)/ticker")
    }

    public func read(_ answer: Answer, to poll: Poll) -> Result<[Observation], AnswerFault> {
        reading { () throws(AnswerFault) in
            let root = try answer.json(maximumBytes: maximumAnswerBytes)
            var quote = Quote(price: try root.required("price").decimalText("price", .positive))
            quote.bid = try root.optional("bid")?.decimalText("bid", .positive)
            quote.ask = try root.optional("ask")?.decimalText("ask", .positive)
            quote.size = try root.optional("size")?.decimalText("size", .notNegative)
            quote.volume = try root.optional("volume")?.decimalText("volume", .notNegative)
            quote.tradeID = try tradeID(root.optional("trade_id"))
            quote.sourceTime = try time(root.optional("time"))
            return [try Observation(quoteOf: self, to: poll, quote)]
        }
    }

    private func tradeID(_ value: JSONValue?) throws(AnswerFault) -> Int64? {
        guard let value else { return nil }
        guard let number = value.int64 else { throw AnswerFault(.wrongType, "\"trade_id\" is not an integer") }
        return number
    }

    private func time(_ value: JSONValue?) throws(AnswerFault) -> Instant? {
        guard let value else { return nil }
        let text = try value.text("time")
        guard let time = Instant(rfc3339: text), Instant.plausible.contains(time) else {
            throw AnswerFault(.implausibleTime, "\"time\" is \"\(text.prefix(60))\"")
        }
        return time
    }
}
