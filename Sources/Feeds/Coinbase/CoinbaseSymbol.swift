/// Coinbase's product names: base and quote currency, `BTC-USD`.
struct CoinbaseSymbol {
    let base: Substring
    let quote: Substring

    init?(_ text: String) {
        let utf8 = text.utf8
        guard let hyphen = utf8.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        base = text[..<hyphen]
        quote = text[utf8.index(after: hyphen)...]
        guard !base.isEmpty, !quote.isEmpty, base.utf8.allSatisfy(Self.isAllowed),
            quote.utf8.allSatisfy(Self.isAllowed)
        else { return nil }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
