import JSON
import MarketData

/// Coinbase's public prices: `GET /v2/prices/BTC-USD/spot`, and `buy` and `sell`, no key.
///
/// `{"data":{"base":"BTC","currency":"USD","amount":"13012.61"}}`; the members' order varies and `base` may be absent.
public struct CoinbaseSpot: PolledFeed {
    public static let name = "coinbase-spot"
    public static let allPriceTypes = ["spot", "buy", "sell"]

    public var name: String { Self.name }
    public let dataset = Datasets.quotes
    public let source = "coinbase"
    public let baseURL = "https://api.coinbase.com"
    public let maximumAnswerBytes = 1 << 16
    public let priceTypes: [String]

    /// - Parameter priceTypes: some of ``allPriceTypes``; each is polled as a series of its own.
    public init(priceTypes: [String] = ["spot"]) { self.priceTypes = priceTypes }

    public func isSymbol(_ symbol: String) -> Bool { CoinbaseSymbol(symbol) != nil }

    public func series(of symbol: String) -> [Series] {
        priceTypes.map { Series(symbol: symbol, priceType: $0) }
    }

    public func request(for series: Series) -> FeedRequest {
        FeedRequest(target: "/v2/prices/\(series.symbol)/\(series.priceType)")
    }

    public func read(_ answer: Answer, to poll: Poll) -> Result<[Observation], AnswerFault> {
        reading { () throws(AnswerFault) in
            let data = try answer.json(maximumBytes: maximumAnswerBytes).required("data")
            let price = try data.required("amount").decimalText("amount", .positive)
            let currency = try data.required("currency").text("currency")
            try check(base: data.optional("base")?.text("base"), currency: currency, against: poll.series.symbol)
            return [
                try Observation(
                    quoteOf: self, to: poll, Quote(price: price, currency: currency))
            ]
        }
    }

    private func check(base: String?, currency: String, against symbol: String) throws(AnswerFault) {
        guard let asked = CoinbaseSymbol(symbol) else { throw AnswerFault(.wrongSymbol, "\(symbol) is no product") }
        guard currency == asked.quote, base == nil || base == String(asked.base) else {
            let answered = "\(base.map { "\($0)-" } ?? "")\(currency)".prefix(60)
            throw AnswerFault(.wrongSymbol, "asked for \(symbol), answered \(answered)")
        }
    }
}
