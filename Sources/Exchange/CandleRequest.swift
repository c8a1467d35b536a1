import HTTPServer
import MarketData

/// What a client asks of `/products/{symbol}/candles`: the candles that start in [start, end], both in seconds.
struct CandleRequest {
    struct Refusal: Error { let message: String }

    static let maximumCandles: Int64 = 300

    let granularity: Int64
    /// The starts of the first and the last candle.
    let times: ClosedRange<Int64>?

    /// Without start and end: the newest 300. A candle that starts after `now` is not there yet.
    init(_ query: HTTPFields, now: Instant) throws(Refusal) {
        guard let granularity = Int64(query["granularity"] ?? "60"), CandleSeries.granularities.contains(granularity)
        else { throw Refusal(message: "Unsupported granularity") }
        self.granularity = granularity
        let newest = Self.down(now.microseconds / 1_000_000, granularity)
        let end = try query["end"].map(Self.seconds) ?? newest
        let start = try query["start"].map(Self.seconds) ?? end - (Self.maximumCandles - 1) * granularity
        guard start <= end else { throw Refusal(message: "start must be before end") }
        let first = Self.down(start + granularity - 1, granularity)
        let last = Self.down(end, granularity)
        guard (last - first) / granularity < Self.maximumCandles else {
            throw Refusal(
                message: "granularity too small for the requested time range. "
                    + "Count of aggregations requested exceeds 300")
        }
        times = first <= min(last, newest) ? first...min(last, newest) : nil
    }

    /// Newest first.
    func candles(seed: UInt64, symbol: String) -> [CandleSeries.Candle] {
        guard let times else { return [] }
        let series = CandleSeries(seed: seed, symbol: symbol, granularity: granularity)
        return stride(from: times.upperBound, through: times.lowerBound, by: Int64.Stride(-granularity)).map {
            series.candle(at: $0)
        }
    }

    private static func down(_ time: Int64, _ granularity: Int64) -> Int64 { time - time % granularity }

    /// RFC 3339, or seconds since 1970; years that a candle may have.
    private static func seconds(_ text: String) throws(Refusal) -> Int64 {
        let instant =
            Int64(text).map { Instant(microseconds: $0.multipliedReportingOverflow(by: 1_000_000).partialValue) }
            ?? Instant(rfc3339: text)
        guard let instant, Instant.plausible.contains(instant) else { throw Refusal(message: "Invalid start or end") }
        return instant.microseconds / 1_000_000
    }
}
