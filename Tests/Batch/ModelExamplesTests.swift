import Batch
import MarketData
import Testing

@Suite("The program's models, on the engine")
struct ModelExamplesTests {
    static let models = Result { try Models.bundled() }

    @Test(
        "a model's query gives the declared columns, and its examples come out exactly",
        arguments: try models.get().inOrder)
    func examples(model: Model) async throws {
        #expect(!model.examples.isEmpty)
        #expect(try await ModelTrial(model, of: try Self.models.get()).faults(on: Engine.make()) == [])
    }
}

@Suite("Trying a model on the engine")
struct ModelTrialTests {
    private func faults(_ query: String, expected: [Example.Row] = [["symbol": "A", "high": "2"]]) async throws
        -> [String]
    {
        let example = Example(
            name: "one", day: Samples.day,
            given: [Samples.table("raw.quotes"): [["symbol": "A", "price": "1"], ["symbol": "A", "price": "2"]]],
            expected: expected)
        let model = Model(
            table: Samples.table("refined.highs"), description: "",
            columns: [
                ModelColumn("symbol", .text, ""), ModelColumn("high", .decimal, ""),
                ModelColumn("trading_day", .day, ""),
            ],
            grain: ["symbol"], sources: [Samples.table("raw.quotes")], examples: [example], query: query)
        return try await ModelTrial(model, of: try Models([model])).faults(on: try Engine.make()).map(\.reason)
    }

    private static let query = "SELECT symbol, max(price) AS high, trading_day FROM raw.quotes GROUP BY ALL"

    @Test("a model that does what it declares has no fault")
    func sound() async throws {
        #expect(try await faults(Self.query) == [])
    }

    @Test("a row that comes out otherwise than the example says is a fault, with the rows")
    func different() async throws {
        let found = try await faults(Self.query, expected: [["symbol": "A", "high": "3"]])
        #expect(found.count == 1)
        #expect(found.first?.contains("example \"one\": 1 rows missing") == true, "\(found)")
        #expect(found.first?.contains("2.000000000000000000") == true, "\(found)")
    }

    @Test("a row too many, equal to another, is a fault")
    func repeated() async throws {
        let found = try await faults("\(Self.query) UNION ALL \(Self.query)")
        #expect(found.first?.contains("1 rows too many") == true, "\(found)")
    }

    @Test("columns that are of another type, missing or not declared are faults")
    func shape() async throws {
        #expect(
            try await faults(
                "SELECT CAST(max(price) AS DOUBLE) AS high, trading_day, 1 AS one FROM raw.quotes GROUP BY ALL") == [
                    "column symbol is not in the query, declared VARCHAR",
                    "column high is DOUBLE, declared DECIMAL(38,18)",
                    "the query's column one is not declared",
                ])
    }

    @Test("SQL that the engine refuses is a fault", arguments: ["SELEC 1", "SELECT no_such FROM raw.quotes"])
    func refused(query: String) async throws {
        #expect(try await faults(query).count == 1)
    }

    @Test("a source that is not declared cannot be read")
    func undeclared() async throws {
        let found = try await faults("SELECT symbol, max(close) AS high, trading_day FROM raw.bars GROUP BY ALL")
        #expect(found.first?.contains("bars") == true, "\(found)")
    }
}
