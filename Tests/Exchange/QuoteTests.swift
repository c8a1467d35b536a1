import Exchange
import Foundation
import MarketData
import Testing

@Suite("Exchange: quotes", .timeLimit(.minutes(1)))
struct QuoteTests {
    /// The paths of the values in a JSON document, with their kinds: what two answers of one shape share.
    private static func shape(_ json: some DataProtocol) throws -> Set<String> {
        func walk(_ value: Any, _ path: String) -> [String] {
            switch value {
            case let object as [String: Any]: return object.flatMap { walk($0.value, "\(path).\($0.key)") }
            case let array as [Any]: return array.flatMap { walk($0, "\(path)[]") }
            case is String: return ["\(path): string"]
            default: return ["\(path): number"]
            }
        }
        return Set(walk(try JSONSerialization.jsonObject(with: Data(json)), ""))
    }

    static let recorded = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Payloads/coinbase")

    @Test(
        "answers have the shape of the recorded ones",
        arguments: [
            ("/v2/prices/BTC-USD/spot", "v2_spot_BTC-USD.json"), ("/v2/prices/BTC-USD/buy", "v2_buy_BTC-USD.json"),
            ("/v2/prices/BTC-USD/sell", "v2_sell_BTC-USD.json"),
            ("/products/BTC-USD/ticker", "exchange_ticker_BTC-USD_2017-10-03.json"),
            (
                "/products/BTC-USD/candles?granularity=3600",
                "bennycode__rest_products_BTC-USD_candles_GET-200.json"
            ),
        ])
    func shapes(target: String, file: String) async throws {
        let expected = try Self.shape(Data(contentsOf: Self.recorded.appending(path: file)))
        try await ExchangeUnderTest.run { under async throws in
            let shapes = try await (0..<20).asyncMap { _ in try Self.shape(try await under.get(target).body) }
            #expect(shapes.contains(expected))
            // The base may be absent; nothing else may.
            #expect(shapes.allSatisfy { expected.subtracting($0).isSubset(of: [".data.base: string"]) })
            #expect(shapes.allSatisfy { $0.isSubset(of: expected) })
        }
    }

    @Test(
        "what is not known is refused in the recorded words",
        arguments: [("/v2/prices/NOSUCH/spot", "v2_error_404_not_found.json")])
    func unknown(target: String, file: String) async throws {
        let expected = try String(contentsOf: Self.recorded.appending(path: file), encoding: .utf8)
        try await ExchangeUnderTest.run { under async throws in
            let answer = try await under.get(target)
            #expect(answer.status == 404)
            #expect(answer.text == expected.trimmingCharacters(in: .newlines))
        }
    }

    @Test("no two answers of a run have the same price, whatever the symbol and series")
    func unique() async throws {
        try await ExchangeUnderTest.run { under async throws in
            for round in 0..<10 {
                for target in ["/v2/prices/A\(round % 3)-USD/spot", "/v2/prices/B-USD/sell", "/products/B-USD/ticker"] {
                    _ = try await under.get(target)
                }
            }
            let prices = try await under.journal().compactMap(\.price)
            #expect(prices.count == 30)
            #expect(Set(prices).count == 30)
            #expect(try prices.allSatisfy { try Decimal(parsing: $0).units > 0 })
        }
    }

    @Test("equal seeds give equal answers, faults included; another seed gives others")
    func seeded() async throws {
        func answers(seed: UInt64) async throws -> [ExchangeUnderTest.Line] {
            var lines: [ExchangeUnderTest.Line] = []
            try await ExchangeUnderTest.run(FaultPlan(rates: [.serverError: 0.3, .null: 0.3], seed: seed), seed: seed) {
                for round in 0..<30 { _ = try await $0.get("/v2/prices/S\(round % 4)-USD/spot") }
                lines = try await $0.journal()
            }
            return lines
        }
        let first = try await answers(seed: 7)
        #expect(Set(first.map(\.fault)) == [nil, "500", "null"])
        #expect(try await answers(seed: 7) == first)
        #expect(try await answers(seed: 8) != first)
    }

    @Test("the journal says what a client received, line by line")
    func journal() async throws {
        try await ExchangeUnderTest.run(FaultPlan(script: [nil, .serverError, nil, .truncated])) { under async throws in
            var received: [ExchangeUnderTest.Answer] = []
            for _ in 0..<4 { received.append(try await under.get("/v2/prices/BTC-USD/spot?a=\"b\"")) }
            let lines = try await under.journal()
            #expect(lines.map(\.serial) == [0, 1, 2, 3])
            #expect(lines.map(\.status) == received.map(\.status))
            #expect(lines.map(\.bytes) == received.map(\.body.count))
            #expect(lines.map(\.fault) == [nil, "500", nil, "truncated"])
            for (line, answer) in zip(lines, received) where line.fault == nil {
                #expect(answer.text.contains("\"\(try #require(line.price))\""))
            }
            #expect(lines[1].price == nil)
            #expect(lines.allSatisfy { $0.time == ExchangeUnderTest.noon.microseconds })
            #expect(lines[0].method == "GET" && lines[0].symbol == "BTC-USD" && lines[0].series == "spot")
        }
    }

    @Test("recorded answers are served as they are, several in turns, and what was not recorded is not found")
    func recordings() async throws {
        try await ExchangeUnderTest.run(adjusting: { $0.source = .recordings(folder: Self.recorded) }) {
            under async throws in
            for (target, file) in [
                ("/v2/prices/BTC-USD/buy", "v2_buy_BTC-USD.json"),
                ("/v2/prices/BTC-AUD/spot", "v2_spot_BTC-AUD_8dp.json"),
                ("/v2/prices/ETH-USD/spot", "v2_spot_ETH-USD_2026_keyorder.json"),
                ("/products/BTC-USD/ticker", "exchange_ticker_BTC-USD_2017-10-03.json"),
            ] {
                let expected = try Data(contentsOf: Self.recorded.appending(path: file))
                #expect(try await under.get(target).body == Array(expected))
            }
            #expect(try await under.get("/v2/prices/ETH-USD/sell").status == 404)
            #expect(
                try await under.journal().map(\.price) == [
                    "13211.14", "59465.39029629", "2723.905", "4417.01000000", nil,
                ])
        }
    }
}

extension Sequence {
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
