import Feeds
import JSON
import MarketData
import Testing

@Suite("coinbase-candles")
struct CoinbaseCandlesTests {
    private let feed = CoinbaseCandles()
    private let later = Instant(microseconds: 1_800_000_000_000_000)

    private func instant(_ text: String) throws -> Instant { try #require(Instant(rfc3339: text)) }

    private func task(_ from: String, _ to: String, interval: Int64 = 3600) throws -> FeedTask {
        FeedTask(symbol: "BTC-USD", interval: interval, from: try instant(from), to: try instant(to), key: "the-key")
    }

    private func read(_ body: [UInt8], _ task: FeedTask, at: Instant? = nil) -> Result<[Observation], AnswerFault> {
        body.withUnsafeBytes {
            feed.read(Answer(status: 200, body: $0), to: task, run: "the-run", observedAt: at ?? later)
        }
    }

    @Test("the recorded page becomes bars in ascending order, numbers exact")
    func recorded() throws {
        let body = try Recorded.coinbase("bennycode__rest_products_BTC-USD_candles_GET-200.json")
        let rows = try read(body, task("2020-03-01T00:00:00Z", "2020-04-01T00:00:00Z")).get()
        #expect(rows.count == 169)
        let last = try #require(rows.last)
        #expect(last["start_time"] == .instant(try instant("2020-03-16T00:00:00Z")))
        #expect(last["low"] == .decimal(try Decimal(parsing: "5236.01")))
        #expect(last["high"] == .decimal(try Decimal(parsing: "5346.05")))
        #expect(last["open"] == .decimal(try Decimal(parsing: "5346.03")))
        #expect(last["close"] == .decimal(try Decimal(parsing: "5245.17")))
        #expect(last["volume"] == .decimal(try Decimal(parsing: "3728.67857634")))
        #expect(last["interval"] == .integer(3600))
        #expect(last["trading_day"] == .day(try #require(Day("2020-03-16"))))
        #expect(last["run_id"] == .text("the-run"))
        #expect(last["task_key"] == .text("the-key"))
        let times = rows.map { "\($0["start_time"])" }
        #expect(times == times.sorted())
        #expect(Set(times).count == 169)
    }

    @Test("bars outside the task's range, and those not closed at the fetch, are left out")
    func ranges() throws {
        let midnight = 1_577_836_800  // 2020-01-01T00:00:00Z
        let hours = [3, 2, 1, 0].map { "[\(midnight + $0 * 3600),1,1,1,1,0]" }
        let body = Array("[\(hours.joined(separator: ","))]".utf8)
        let task = try task("2020-01-01T01:00:00Z", "2020-01-01T03:00:00Z")
        let one = Value.instant(try instant("2020-01-01T01:00:00Z"))
        let two = Value.instant(try instant("2020-01-01T02:00:00Z"))
        #expect(try read(body, task).get().map { $0["start_time"] } == [one, two])
        let early = try read(body, task, at: try instant("2020-01-01T02:59:59.999999Z")).get()
        #expect(early.map { $0["start_time"] } == [one])
        let closed = try read(body, task, at: try instant("2020-01-01T03:00:00Z")).get()
        #expect(closed.count == 2)
    }

    @Test("an empty page is a success without rows")
    func empty() throws {
        #expect(try read(Array("[]".utf8), task("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")).get().isEmpty)
    }

    @Test("prices with an exponent are exact")
    func exponents() throws {
        let body = Array("[[1577836800,1e-05,2.5E-5,1e-05,2e-05,1.2e3]]".utf8)
        let rows = try read(body, task("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")).get()
        #expect(rows.first?["high"] == .decimal(try Decimal(parsing: "0.000025")))
        #expect(rows.first?["volume"] == .decimal(Decimal(1200)))
    }

    @Test(
        "one bad bar spoils the page",
        arguments: [
            ("{}", GapReason.wrongType), ("[1]", .wrongType), ("[[1577836800,1,1,1,1]]", .missingField),
            ("[[1577836800,1,1,null,1,1]]", .nullField), (#"[[1577836800,"1",1,1,1,1]]"#, .wrongType),
            (#"[["1577836800",1,1,1,1,1]]"#, .wrongType), ("[[1577836800.5,1,1,1,1,1]]", .wrongType),
            ("[[1577836801,1,1,1,1,1]]", .implausibleTime), ("[[-3600,1,1,1,1,1]]", .implausibleTime),
            ("[[99999999999600,1,1,1,1,1]]", .implausibleTime), ("[[1577836800,0,1,1,1,1]]", .notPositive),
            ("[[1577836800,1,1,1,-1,1]]", .notPositive), ("[[1577836800,1,1,1,1,-1]]", .notPositive),
            ("[[1577836800,1e-19,1,1,1,1]]", .doesNotFit), ("[[1577836800,1,1,1,1,1e25]]", .doesNotFit),
            ("[[1577836800,1,1,1,1,1],[1577836800,1,1,1,1,1]]", .duplicateKey), ("[[1577836800,1,1,1,1", .malformed),
            ("<html>", .html),
        ] as [(String, GapReason)])
    func faults(body: String, reason: GapReason) throws {
        let task = try task("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
        #expect(read(Array(body.utf8), task).reason == reason)
    }

    @Test("a range is cut into pages that tile it, each within Coinbase's limit", arguments: CoinbaseCandles.intervals)
    func pages(interval: Int64) throws {
        let from = try instant("2025-12-31T10:00:30Z")
        let to = try instant("2027-01-01T10:00:30Z")
        let tasks = feed.tasks(symbol: "BTC-USD", interval: interval, from: from, to: to)
        let bar = interval * 1_000_000
        let first = try #require(tasks.first?.from)
        let last = try #require(tasks.last?.to)
        #expect(from <= first && first.microseconds(since: from) < bar)
        #expect(last <= to && to.microseconds(since: last) < bar)
        #expect(zip(tasks, tasks.dropFirst()).allSatisfy { $0.to == $1.from })
        #expect(tasks.allSatisfy { $0.from < $0.to && $0.to.microseconds(since: $0.from) <= 300 * bar })
        #expect(Set(tasks.map(\.key)).count == tasks.count)
    }

    @Test("overlapping ranges share the keys of whole pages, and only equal pages have equal keys")
    func keys() throws {
        let wide = feed.tasks(
            symbol: "BTC-USD", interval: 60, from: try instant("2025-12-31T23:00:00Z"),
            to: try instant("2026-01-02T00:00:00Z"))
        let day = feed.tasks(
            symbol: "BTC-USD", interval: 60, from: try instant("2026-01-01T00:00:00Z"),
            to: try instant("2026-01-01T06:00:00Z"))
        #expect(
            day.map(\.key) == [
                "BTC-USD/60/2026-01-01T00:00:00Z", "BTC-USD/60/2026-01-01T04:48:00Z/2026-01-01T06:00:00Z",
            ])
        #expect(wide.contains(day[0]))
        #expect(wide.first?.key == "BTC-USD/60/2025-12-31T23:00:00Z/2026-01-01T00:00:00Z")
        for (one, other) in wide.flatMap({ one in day.map { (one, $0) } }) where one.key == other.key {
            #expect(one == other)
        }
    }

    @Test("a range without a whole bar has no task")
    func nothing() throws {
        let noon = try instant("2026-01-01T12:00:00Z")
        #expect(feed.tasks(symbol: "BTC-USD", interval: 60, from: noon, to: noon).isEmpty)
        #expect(
            feed.tasks(symbol: "BTC-USD", interval: 60, from: noon, to: noon.adding(microseconds: 59_999_999)).isEmpty)
        #expect(feed.tasks(symbol: "BTC-USD", interval: 60, from: noon, to: noon.adding(microseconds: -1)).isEmpty)
    }

    @Test("the request asks for the task's bars alone")
    func request() throws {
        let task = try task("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
        #expect(
            feed.request(for: task).target
                == "/products/BTC-USD/candles?granularity=3600&start=2026-01-01T00:00:00Z&end=2026-01-01T23:00:00Z")
    }

    @Test("a task written and read again is the same")
    func taskRoundTrip() throws {
        let task = try task("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
        var writer = JSONWriter()
        writer.beginObject()
        task.write(to: &writer)
        writer.endObject()
        #expect(FeedTask(try JSONDocument(parsing: writer.bytes).root) == task)
        #expect(FeedTask(.object([])) == nil)
    }
}
