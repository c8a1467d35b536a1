/// What a path of the exchange means.
enum Route: Equatable {
    case market(MarketRoute)
    case faults
    case journal
    case ready
    case unknown

    init(path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        switch (parts.count, parts.dropFirst().first) {
        case (5, "v2") where parts[2] == "prices":
            self =
                Series(rawValue: String(parts[4])).flatMap { series in
                    Series.polled.contains(series)
                        ? .market(MarketRoute(style: .retail, series: series, symbol: String(parts[3]))) : nil
                } ?? .unknown
        case (4, "products"):
            guard parts[3] == "ticker" || parts[3] == "candles" else {
                self = .unknown
                return
            }
            let series = parts[3] == "ticker" ? Series.ticker : .candles
            self = .market(MarketRoute(style: .exchange, series: series, symbol: String(parts[2])))
        case (3, "-"):
            switch parts[2] {
            case "faults": self = .faults
            case "journal": self = .journal
            case "ready": self = .ready
            default: self = .unknown
            }
        default: self = .unknown
        }
    }
}

/// A path that sources have too.
struct MarketRoute: Equatable {
    /// Which of Coinbase's two interfaces, since their errors differ.
    enum Style { case retail, exchange }

    let style: Style
    let series: Series
    let symbol: String
}

/// What is asked of a symbol.
enum Series: String, CaseIterable, Sendable {
    case spot, buy, sell, ticker, candles

    /// Those of `/v2/prices`.
    static let polled: Set<Series> = [.spot, .buy, .sell]
}
