import JSON
import MarketData

/// The Coinbase Exchange's bars: `GET /products/BTC-USD/candles?granularity=60&start=…&end=…`.
///
/// An answer is an array of `[time, low, high, open, close, volume]`, newest first, at most 300; `time` is in seconds
/// since 1970. Bars without a trade are absent.
public struct CoinbaseCandles: TaskFeed {
    public static let name = "coinbase-candles"
    public static let intervals: [Int64] = [60, 300, 900, 3600, 21_600, 86_400]

    /// Bars a page: below Coinbase's limit of 300, and such that pages of one- and five-minute bars never cross
    /// midnight.
    static let barsPerPage: Int64 = 288

    public var name: String { Self.name }
    public var intervals: [Int64] { Self.intervals }
    public let dataset = Datasets.bars
    public let source = "coinbase-exchange"
    public let baseURL = "https://api.exchange.coinbase.com"
    public let maximumAnswerBytes = 1 << 18

    public init() {}

    public func isSymbol(_ symbol: String) -> Bool { CoinbaseSymbol(symbol) != nil }

    /// Pages lie on a grid that starts in 1970, so that overlapping ranges share their inner pages' keys. A page that
    /// the range cuts short bears its end in the key, since it holds other rows than the whole page.
    public func tasks(symbol: String, interval: Int64, from: Instant, to: Instant) -> [FeedTask] {
        let bar = interval * 1_000_000
        let first = roundedUp(from.microseconds, to: bar)
        let end = roundedDown(to.microseconds, to: bar)
        let page = bar * Self.barsPerPage
        var tasks: [FeedTask] = []
        var start = first
        while start < end {
            let pageStart = roundedDown(start, to: page)
            let stop = min(pageStart + page, end)
            let isWhole = start == pageStart && stop == pageStart + page
            let from = Instant(microseconds: start)
            let to = Instant(microseconds: stop)
            let key = "\(symbol)/\(interval)/\(inSeconds(from))\(isWhole ? "" : "/\(inSeconds(to))")"
            tasks.append(FeedTask(symbol: symbol, interval: interval, from: from, to: to, key: key))
            start = stop
        }
        return tasks
    }

    public func request(for task: FeedTask) -> FeedRequest {
        // Coinbase counts a bar that starts at `end` in.
        let last = task.to.adding(microseconds: -task.interval * 1_000_000)
        return FeedRequest(
            target: "/products/\(task.symbol)/candles?granularity=\(task.interval)"
                + "&start=\(inSeconds(task.from))&end=\(inSeconds(last))")
    }

    /// Bars outside the task's range, and those that had not closed when they were fetched, are left out.
    public func read(_ answer: Answer, to task: FeedTask, run: String, observedAt: Instant) -> Result<
        [Observation], AnswerFault
    > {
        reading { () throws(AnswerFault) in
            let root = try answer.json(maximumBytes: maximumAnswerBytes)
            guard let candles = root.array else { throw AnswerFault(.wrongType, "the answer is not an array") }
            var bars: [Bar] = []
            bars.reserveCapacity(candles.count)
            for candle in candles {
                let bar = try Bar(candle, interval: task.interval)
                let close = bar.start.adding(microseconds: task.interval * 1_000_000)
                if (task.from..<task.to).contains(bar.start), close <= observedAt { bars.append(bar) }
            }
            bars.sort { $0.start < $1.start }
            for (bar, next) in zip(bars, bars.dropFirst()) where bar.start == next.start {
                throw AnswerFault(.duplicateKey, "the bar of \(bar.start) is there twice")
            }
            var rows: [Observation] = []
            rows.reserveCapacity(bars.count)
            for bar in bars { rows.append(try row(bar, of: task, run: run, observedAt: observedAt)) }
            return rows
        }
    }

    private func row(_ bar: Bar, of task: FeedTask, run: String, observedAt: Instant) throws(AnswerFault) -> Observation
    {
        // In the order of the columns of Datasets.bars.
        let values: [Value] = [
            .text(name), .text(task.symbol), .integer(task.interval), .instant(bar.start), .decimal(bar.open),
            .decimal(bar.high), .decimal(bar.low), .decimal(bar.close), .decimal(bar.volume), .null,
            .instant(observedAt), .day(bar.start.utcDay), .text(run), .text(task.key),
        ]
        do { return try Observation(dataset, inOrder: values) } catch { throw AnswerFault(error) }
    }

    private func roundedDown(_ value: Int64, to step: Int64) -> Int64 {
        let rest = value % step
        return rest < 0 ? value - rest - step : value - rest
    }

    private func roundedUp(_ value: Int64, to step: Int64) -> Int64 {
        let down = roundedDown(value, to: step)
        return down == value ? value : down + step
    }

    /// RFC 3339 without decimals; every time here is whole seconds.
    private func inSeconds(_ instant: Instant) -> String { "\(instant.description.prefix(19))Z" }
}

private struct Bar {
    let start: Instant
    let low, high, open, close, volume: Decimal

    init(_ candle: JSONValue, interval: Int64) throws(AnswerFault) {
        guard let values = candle.array else { throw AnswerFault(.wrongType, "a candle is not an array") }
        guard values.count >= 6 else { throw AnswerFault(.missingField, "a candle of \(values.count) values") }
        if values[..<6].contains(.null) { throw AnswerFault(.nullField, "a candle with a null") }
        guard let seconds = values[0].int64 else { throw AnswerFault(.wrongType, "a candle's time is not an integer") }
        guard (0...4_102_444_800).contains(seconds), seconds % interval == 0 else {
            throw AnswerFault(.implausibleTime, "a candle of \(interval) s that starts at \(seconds)")
        }
        start = Instant(microseconds: seconds * 1_000_000)
        low = try values[1].decimalNumber("low", .positive)
        high = try values[2].decimalNumber("high", .positive)
        open = try values[3].decimalNumber("open", .positive)
        close = try values[4].decimalNumber("close", .positive)
        volume = try values[5].decimalNumber("volume", .notNegative)
    }
}
