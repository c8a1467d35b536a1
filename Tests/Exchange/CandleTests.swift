import Exchange
import Foundation
import MarketData
import Testing

@Suite("Exchange: candles", .timeLimit(.minutes(1)))
struct CandleTests {
    private static func candles(_ under: ExchangeUnderTest, _ query: String) async throws -> [[Double]] {
        let body = try await under.get("/products/BTC-USD/candles?\(query)").body
        return try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [[Double]])
    }

    /// 2026-11-20T12:00:00Z, a day before the exchange's clock.
    private static let start = Int(ExchangeUnderTest.noon.microseconds / 1_000_000) - 86_400

    @Test("they are newest first, both ends of the range inside, and bound by their prices")
    func order() async throws {
        try await ExchangeUnderTest.run { under async throws in
            let candles = try await Self.candles(under, "granularity=60&start=\(Self.start)&end=\(Self.start + 600)")
            #expect(candles.map { Int($0[0]) } == (0...10).reversed().map { Self.start + $0 * 60 })
            for candle in candles {
                #expect(candle[1] <= min(candle[3], candle[4]) && candle[2] >= max(candle[3], candle[4]))
                #expect(candle[5] > 0)
            }
        }
    }

    @Test("pages agree where they overlap, in either way of writing a time")
    func pages() async throws {
        try await ExchangeUnderTest.run { under async throws in
            let whole = try await Self.candles(under, "granularity=300&start=\(Self.start)&end=\(Self.start + 3000)")
            let part = try await Self.candles(
                under, "granularity=300&start=2026-11-20T12:10:00Z&end=2026-11-20T12:25:00Z")
            #expect(part.count == 4)
            #expect(part.allSatisfy(whole.contains))
        }
    }

    @Test("one candle's close is the next one's open")
    func continuous() async throws {
        try await ExchangeUnderTest.run { under async throws in
            let candles = try await Self.candles(under, "granularity=900&start=\(Self.start)&end=\(Self.start + 9000)")
            for (later, earlier) in zip(candles, candles.dropFirst()) { #expect(later[3] == earlier[4]) }
        }
    }

    @Test("300 are served, 301 refused, the future empty, and without a range the newest 300 come")
    func bounds() async throws {
        try await ExchangeUnderTest.run { under async throws in
            let full = try await Self.candles(under, "granularity=60&start=\(Self.start)&end=\(Self.start + 299 * 60)")
            #expect(full.count == 300)
            let refusal = try await under.get(
                "/products/BTC-USD/candles?granularity=60&start=\(Self.start)&end=\(Self.start + 300 * 60)")
            #expect(refusal.status == 400)
            #expect(refusal.text.contains("exceeds 300"))
            let future = Self.start + 86_400 + 60
            #expect(try await Self.candles(under, "granularity=60&start=\(future)&end=\(future + 60)").isEmpty)
            let newest = try await Self.candles(under, "granularity=60")
            #expect(newest.count == 300)
            #expect(newest.first?.first == Double(Self.start + 86_400))
        }
    }

    @Test(
        "a request that means nothing is refused",
        arguments: [
            "granularity=61", "granularity=x", "start=yesterday", "start=20&end=10", "start=99999999999999999999",
        ])
    func refused(query: String) async throws {
        try await ExchangeUnderTest.run { under async throws in
            #expect(try await under.get("/products/BTC-USD/candles?\(query)").status == 400)
        }
    }
}
