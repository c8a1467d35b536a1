import EventLog
import Exchange
import Foundation
import MarketData
import Testing

/// Answers as Coinbase gave them, from the wire to the catalog. What must come out was read off the recordings by hand.
@Suite("Recorded answers", .timeLimit(.minutes(5)))
struct RecordedAnswersTests {
    private static let recordings = BuiltProgram.package.appending(path: "Tests/Payloads/coinbase")

    /// A decimal without the zeros at its end, as the recordings write it.
    private static func plain(_ column: String) -> String {
        "rtrim(rtrim(CAST(\(column) AS VARCHAR), '0'), '.')"
    }

    private static func with(_ body: (Pipeline) async throws -> Void) async throws {
        let options = Pipeline.Options(
            symbols: ["BTC-USD", "BTC-AUD", "ETH-USD", "NONE-USD"], tickerSymbols: ["BTC-USD", "NONE-USD"],
            priceTypes: ["spot", "buy", "sell"], source: .recordings(folder: recordings))
        try await Pipeline.with(options, body)
    }

    /// Each series that was recorded, and its one price.
    private static let prices = [
        "BTC-AUD coinbase-spot spot 59465.39029629",
        "BTC-USD coinbase-spot buy 13211.14",
        "BTC-USD coinbase-spot sell 12911.46",
        "BTC-USD coinbase-spot spot 13012.61",
        "BTC-USD coinbase-ticker trade 4417.01",
        "ETH-USD coinbase-spot spot 2723.905",
    ]

    /// Each series that is asked for and was not recorded, which the source then answers with 404.
    private static let unknown = [
        "BTC-AUD coinbase-spot buy", "BTC-AUD coinbase-spot sell", "ETH-USD coinbase-spot buy",
        "ETH-USD coinbase-spot sell", "NONE-USD coinbase-spot buy", "NONE-USD coinbase-spot sell",
        "NONE-USD coinbase-spot spot", "NONE-USD coinbase-ticker trade",
    ]

    @Test("recorded quotes become these refined rows, exactly; 404 and 429 become gaps and never quotes")
    func quotes() async throws {
        try await Self.with { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(60, whileAlive: ["run"])
            pipeline.exchange.faults = FaultPlan(rates: [.tooManyRequests: 1])
            try await pipeline.answers(1, whileAlive: ["run"])
            pipeline.exchange.faults = FaultPlan()
            try await pipeline.answers(60, whileAlive: ["run"])
            try await pipeline.finish("run")
            try await pipeline.expectProven()

            let daily = try await pipeline.rows(
                """
                SELECT DISTINCT concat_ws(' ', symbol, feed, price_type, \(Self.plain("open"))) AS line,
                CAST(open = high AND open = low AND open = close AND quotes > 0 AS VARCHAR) AS is_flat
                FROM lake.refined.quotes_daily ORDER BY line
                """)
            #expect(daily.map { $0["line"] } == Self.prices)
            #expect(daily.allSatisfy { $0["is_flat"] == "true" })
            try await expectTicker(pipeline)
            try await expectGaps(pipeline)
        }
    }

    private func expectTicker(_ pipeline: Pipeline) async throws {
        let columns = ["price", "size", "volume", "bid", "ask"].map { "\(Self.plain($0)) AS \($0)" }
        let rows = try await pipeline.rows(
            """
            SELECT DISTINCT \(columns.joined(separator: ", ")), CAST(trade_id AS VARCHAR) AS trade_id,
            CAST(epoch_us(source_time) AS VARCHAR) AS source_time FROM lake.raw.quotes WHERE feed = 'coinbase-ticker'
            """)
        let recorded = [
            "price": "4417.01", "size": "0.00000225", "volume": "7878.23402368", "bid": "4417", "ask": "4417.01",
            // 2017-10-03T04:00:31.887Z
            "trade_id": "21554152", "source_time": "1507003231887000",
        ]
        #expect(rows == [recorded])
    }

    private func expectGaps(_ pipeline: Pipeline) async throws {
        let refused = try await pipeline.rows(
            """
            SELECT DISTINCT concat_ws(' ', symbol, feed, price_type) AS line FROM lake.raw.gaps
            WHERE reason = 'http-status' ORDER BY line
            """)
        #expect(refused.map { $0["line"] } == Self.unknown)
        let throttled = try await pipeline.rows(
            "SELECT CAST(count(*) > 0 AS VARCHAR) AS is_there FROM lake.raw.gaps WHERE reason = 'rate-limited'")
        #expect(throttled == [["is_there": "true"]])
    }

    /// The recorded page, oldest bar first: time, low, high, open, close, volume.
    private static func recordedBars() throws -> [String] {
        let file = recordings.appending(path: "bennycode__rest_products_BTC-USD_candles_GET-200.json")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        return lines.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "[], \r")) }.filter { !$0.isEmpty }
            .map { $0.replacingOccurrences(of: ", ", with: " ") }.reversed()
    }

    @Test("the recorded week of hourly candles becomes these bars, exactly, and asked for again, no others")
    func bars() async throws {
        let recorded = try Self.recordedBars()
        #expect(recorded.count == 169)
        try await Self.with { pipeline in
            let backfill = [
                "backfill", "--symbol", "BTC-USD", "--interval", "1h", "--from", "2020-03-09",
                "--to", "2020-03-16T01:00:00Z",
            ]
            let bars = ["low", "high", "open", "close", "volume"].map(Self.plain).joined(separator: ", ")
            for _ in 1...2 {
                try await pipeline.expect(0, backfill)
                try await pipeline.finishBacklog()
                let rows = try await pipeline.rows(
                    """
                    SELECT concat_ws(' ', CAST(epoch_us(start_time) // 1000000 AS VARCHAR), \(bars)) AS line,
                    CAST("interval" AS VARCHAR) AS seconds FROM lake.raw.bars ORDER BY start_time
                    """)
                #expect(rows.map { $0["line"] } == recorded)
                #expect(Set(rows.map { $0["seconds"] }) == ["3600"])
            }
            try await pipeline.expectProven()
        }
    }
}
