import MarketData

/// Coinbase's wire formats: `/v2/prices` of the retail interface, `/products` of the exchange.
enum CoinbaseFormat {
    /// A body, and where it says the price.
    struct Quote {
        let body: [UInt8]
        /// As it stands in the body, between its quotes.
        let price: [UInt8]
        /// The key before the price.
        let key: StaticString
    }

    /// An amount in units of 10^-8, with its eight decimals.
    static func text(_ price: UInt64) -> [UInt8] {
        var text = ByteText(reserving: 24)
        text.append(price / Market.unit)
        text.append(".")
        text.append(price % Market.unit, width: 8)
        return text.bytes
    }

    /// `{"data":{"base","currency","amount"}}`. As at the source, the order of the keys varies and base may be absent.
    static func price(_ price: [UInt8], symbol: String, variant: UInt64) -> Quote {
        let parts = symbol.split(separator: "-", maxSplits: 1)
        var text = ByteText()
        text.append("{\"data\":{")
        let amountFirst = variant % 8 == 0
        if amountFirst { append("amount", price, to: &text) }
        if variant % 8 != 1 {
            text.append(amountFirst ? ",\"base\":" : "\"base\":")
            text.append(quoted: parts[0])
            text.append(",")
        } else if amountFirst {
            text.append(",")
        }
        text.append("\"currency\":")
        text.append(quoted: parts.last ?? "")
        if !amountFirst {
            text.append(",")
            append("amount", price, to: &text)
        }
        text.append("}}")
        return Quote(body: text.bytes, price: price, key: "amount")
    }

    static func ticker(_ price: UInt64, tradeID: UInt64, time: Instant, lots: inout SplitMix64) -> Quote {
        let priceText = self.text(price)
        let spread = 1 + lots.next() % 1_000_000
        var text = ByteText()
        text.append("{\"trade_id\":")
        text.append(tradeID)
        text.append(",")
        append("price", priceText, to: &text)
        text.append(",")
        append("size", self.text(1 + lots.next() % 10_000_000), to: &text)
        text.append(",")
        append("bid", self.text(price - spread), to: &text)
        text.append(",")
        append("ask", self.text(price + spread), to: &text)
        text.append(",")
        append("volume", self.text(1 + lots.next() % 1_000_000_000_000), to: &text)
        text.append(",\"time\":\"")
        text.append(time.description)
        text.append("\"}")
        return Quote(body: text.bytes, price: priceText, key: "price")
    }

    /// `[[time, low, high, open, close, volume], …]`, in the order given.
    static func candles(_ candles: [CandleSeries.Candle]) -> [UInt8] {
        var text = ByteText(reserving: candles.count * 72 + 2)
        text.append("[")
        for (index, candle) in candles.enumerated() {
            text.append(index == 0 ? "[" : ",[")
            text.append(UInt64(clamping: candle.time))
            for amount in [candle.low, candle.high, candle.open, candle.close] {
                text.append(",")
                append(number: amount, decimals: 2, to: &text)
            }
            text.append(",")
            append(number: candle.volume, decimals: 8, to: &text)
            text.append("]")
        }
        text.append("]")
        return text.bytes
    }

    /// A JSON number as ``candles(_:)`` writes it.
    static func number(_ number: UInt64, decimals: Int) -> [UInt8] {
        var text = ByteText(reserving: 24)
        append(number: number, decimals: decimals, to: &text)
        return text.bytes
    }

    private static func append(_ key: StaticString, _ amount: [UInt8], to text: inout ByteText) {
        text.append("\"")
        text.append(key)
        text.append("\":\"")
        text.append(amount)
        text.append("\"")
    }

    /// A JSON number without zeros at its end, as the source writes them.
    private static func append(number: UInt64, decimals: Int, to text: inout ByteText) {
        let unit: UInt64 = decimals == 2 ? 100 : Market.unit
        text.append(number / unit)
        var fraction = number % unit
        guard fraction > 0 else { return }
        var width = decimals
        while fraction % 10 == 0 {
            fraction /= 10
            width -= 1
        }
        text.append(".")
        text.append(fraction, width: width)
    }
}

extension CoinbaseFormat {
    /// What both interfaces say of an error, each in its form.
    static func error(_ status: Int, _ style: MarketRoute.Style) -> [UInt8] {
        switch (style, status) {
        case (.retail, 404): return Array(#"{"errors":[{"id":"not_found","message":"Not found"}]}"#.utf8)
        case (.retail, 429):
            return Array(#"{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}"#.utf8)
        case (.retail, 400): return Array(#"{"errors":[{"id":"invalid_request","message":"Invalid request"}]}"#.utf8)
        case (.retail, _):
            return Array(#"{"errors":[{"id":"internal_server_error","message":"Internal server error"}]}"#.utf8)
        case (.exchange, 404): return Array(#"{"message":"NotFound"}"#.utf8)
        case (.exchange, 429): return Array(#"{"message":"Public rate limit exceeded"}"#.utf8)
        case (.exchange, _): return Array(#"{"message":"Internal server error"}"#.utf8)
        }
    }
}
