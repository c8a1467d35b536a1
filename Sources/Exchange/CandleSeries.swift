/// A symbol's candles: each a function of seed, symbol, granularity and time alone, so that pages agree with each other
/// and with later ones.
struct CandleSeries {
    /// In cents; the volume in units of 10^-8.
    struct Candle: Equatable {
        let time: Int64
        let low: UInt64
        let high: UInt64
        let open: UInt64
        let close: UInt64
        let volume: UInt64
    }

    /// In seconds.
    static let granularities: Set<Int64> = [60, 300, 900, 3600, 21_600, 86_400]

    private let base: Double
    private let seed: UInt64
    private let granularity: Int64

    init(seed: UInt64, symbol: String, granularity: Int64) {
        let hash = UInt64(fnv1a: symbol)
        base = Market.base(of: hash, seed)
        self.seed = seed ^ hash
        self.granularity = granularity
    }

    /// The candle that starts at `time`, a multiple of the granularity.
    func candle(at time: Int64) -> Candle {
        let open = level(at: time)
        let close = level(at: time + granularity)
        var lots = SplitMix64(seed: seed ^ UInt64(granularity), UInt64(bitPattern: time))
        let low = min(open, close) * (1 - lots.unit() * 0.002)
        let high = max(open, close) * (1 + lots.unit() * 0.002)
        return Candle(
            time: time, low: cents(low), high: cents(high), open: cents(open), close: cents(close),
            volume: 1 + lots.next() % 500_000_000_000)
    }

    private func cents(_ level: Double) -> UInt64 { UInt64((level * 100).rounded()) }

    /// A line between fixed points an hour and a day apart: one candle's close is the next one's open, whatever the
    /// granularity.
    private func level(at time: Int64) -> Double {
        base
            * (1 + 0.2 * noise(at: time, period: 86_400) + 0.02 * noise(at: time, period: 3600)
                + 0.002 * noise(at: time, period: 60))
    }

    /// From -0.5 to 0.5.
    private func noise(at time: Int64, period: Int64) -> Double {
        let index = time >= 0 ? time / period : (time - period + 1) / period
        let fraction = Double(time - index * period) / Double(period)
        return point(index, period) * (1 - fraction) + point(index + 1, period) * fraction
    }

    private func point(_ index: Int64, _ period: Int64) -> Double {
        var lots = SplitMix64(seed: seed &+ UInt64(period), UInt64(bitPattern: index))
        return lots.unit() - 0.5
    }
}
