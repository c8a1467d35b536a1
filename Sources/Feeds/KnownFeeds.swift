/// Every feed that Pregão has, by name.
public enum KnownFeeds {
    public static let polledNames = [CoinbaseSpot.name, CoinbaseTicker.name]
    public static let taskNames = [CoinbaseCandles.name]

    /// The price types that a polled feed can be told to fetch; empty where it has but one.
    public static func priceTypes(of name: String) -> [String] {
        name == CoinbaseSpot.name ? CoinbaseSpot.allPriceTypes : []
    }

    /// - Parameter priceTypes: some of ``priceTypes(of:)``; all of them where nil.
    public static func polled(_ name: String, priceTypes: [String]? = nil) -> (any PolledFeed)? {
        switch name {
        case CoinbaseSpot.name: CoinbaseSpot(priceTypes: priceTypes ?? CoinbaseSpot.allPriceTypes)
        case CoinbaseTicker.name: CoinbaseTicker()
        default: nil
        }
    }

    public static func task(_ name: String) -> (any TaskFeed)? {
        name == CoinbaseCandles.name ? CoinbaseCandles() : nil
    }
}
