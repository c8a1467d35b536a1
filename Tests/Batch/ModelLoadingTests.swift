import Batch
import Foundation
import MarketData
import Testing

@Suite("Reading models from a folder")
struct ModelLoadingTests {
    private static let good = """
        table: refined.prices
        description: Prices of a day.
        sources: [raw.quotes]
        partitions: [trading_day]
        grain: [symbol, minute]
        reach: 0 days
        window: { column: minute, of: observed_at, length: 1 minute }
        due: "00:05 UTC"
        refresh: 5 minutes
        columns:
          - { name: symbol, type: text, description: The symbol. }
          - { name: minute, type: instant, description: The minute. }
          - { name: price, type: decimal, nullable: true, description: A price. }
          - { name: trading_day, type: day, description: The day. }
        checks:
          - not-empty
          - unique-grain
          - { name: positive, holds: price > 0 }
        examples:
          - name: one
            day: 2026-11-20
            given: { raw.quotes: [{ symbol: A, price: "1", observed_at: "2026-11-20T00:00:00Z" }] }
            expect: [{ symbol: A, minute: "2026-11-20T00:00:00Z", price: ~ }]

        """

    private func faults(_ files: [String: String]) throws -> [String] {
        let folder = try TemporaryFolder()
        for (name, text) in files { try folder.write(text, to: name) }
        do {
            _ = try Models(folders: [folder.path])
            return []
        } catch {
            return error.faults.map { $0.description.replacing(folder.path + "/", with: "") }
        }
    }

    @Test("the program's own models have no fault, upstream first")
    func bundled() throws {
        #expect(try Models.bundled().inOrder.map(\.name) == ["refined.quotes_1m", "refined.quotes_daily"])
    }

    @Test("every field is read")
    func fields() throws {
        let folder = try TemporaryFolder()
        try folder.write(Self.good, to: "prices.yml")
        try folder.write("SELECT 1 -- a comment\n;\n", to: "prices.sql")
        let model = try #require(try Models(folders: [folder.path])[named: "refined.prices"])
        #expect(model.query == "SELECT 1 -- a comment")
        #expect(model.sources == [Samples.table("raw.quotes")])
        #expect(model.grain == ["symbol", "minute"])
        #expect(model.window == Model.Window(column: "minute", of: "observed_at", lengthInMicroseconds: 60_000_000))
        #expect(model.due == .afterClose(minutes: 5, timeZone: "UTC"))
        #expect(model.refresh == .seconds(300))
        #expect(model.columns.map(\.isNullable) == [false, false, true, false])
        #expect(model.checks == [.notEmpty, .uniqueGrain, .holds(name: "positive", expression: "price > 0")])
        #expect(model.examples.first?.expected == [["symbol": "A", "minute": "2026-11-20T00:00:00Z", "price": nil]])
    }

    static let damages: [(original: String, damaged: String, fault: String)] = [
        ("table: refined.prices", "table: prices", "prices.yml:1:8: prices is not <schema>.<table>"),
        ("table: refined.prices", "table: refined.others", "prices.yml:1:8: the table others must be in others.yml"),
        ("table: refined.prices", "table: raw.prices", "prices.yml:1:8: the schema raw is not for models"),
        ("description: Prices of a day.", "description:", "prices.yml:2:13: description must be text"),
        ("description: Prices of a day.\n", "", "prices.yml:1:1: a model lacks description"),
        ("refresh:", "refreshes:", "prices.yml:9:1: a model has no refreshes"),
        ("raw.quotes", "raw.kotes", "prices.yml:3:11: raw.kotes is neither a raw table nor another model's"),
        ("[trading_day]", "[symbol]", "prices.yml:4:13: partitions must be [trading_day]"),
        ("grain: [symbol, minute]", "grain: [symbol, hour]", "prices.yml:5:17: there is no column hour"),
        ("grain: [symbol, minute]", "grain: [price]", "prices.yml:5:9: price is nullable"),
        ("reach: 0 days", "reach: 7 hours", "prices.yml:6:8: reach must be whole days"),
        ("reach: 0 days", "reach: soon", "prices.yml:6:8: reach must be a number and a unit"),
        ("reach: 0 days", "reach: 7 days", "prices.yml:7:9: a model that reaches back has no windows"),
        ("length: 1 minute", "length: 7 minutes", "prices.yml:7:9: a window's length must divide a day"),
        ("of: observed_at", "of: source_time", "prices.yml:3:11: windows are of a raw table's trading-day column"),
        ("column: minute", "column: symbol", "prices.yml:7:9: the window's column symbol must be"),
        ("00:05 UTC", "24:05 UTC", "prices.yml:8:6: due must be on-arrival, or a time and a time zone"),
        ("00:05 UTC", "00:05 Mars/Olympus", "prices.yml:8:6: due must be on-arrival"),
        ("type: decimal", "type: float", "prices.yml:13:26: float is no type"),
        ("{ name: price,", "{ name: symbol,", "prices.yml:13:5: the column symbol comes twice"),
        ("nullable: true", "nullable: maybe", "prices.yml:13:45: nullable must be true or false"),
        ("type: day", "type: text", "prices.yml:11:3: a model has a column trading_day of type day"),
        ("- not-empty", "- full", "prices.yml:16:5: full is no check"),
        ("holds: price > 0", "hold: price > 0", "prices.yml:18:23: a check has no hold"),
        ("day: 2026-11-20", "day: 2026-02-30", "prices.yml:21:10: a day is written YYYY-MM-DD"),
        ("given: { raw.quotes:", "given: { raw.bars:", "prices.yml:22:14: raw.bars is not one of the model's sources"),
        ("price: \"1\"", "prize: \"1\"", "prices.yml:22:40: raw.quotes has no column prize"),
        ("expect: [{ symbol: A", "expect: [{ sign: A", "prices.yml:23:16: there is no column sign"),
        ("grain: [symbol, minute]", "grain: [symbol, minute", "prices.yml:6:"),
    ]

    @Test("a fault is named with its file, line and column", arguments: damages)
    func fault(original: String, damaged: String, fault: String) throws {
        #expect(Self.good.contains(original))
        let text = Self.good.replacing(original, with: damaged)
        let found = try faults(["prices.yml": text, "prices.sql": "SELECT 1"])
        #expect(found.contains { $0.hasPrefix(fault) }, "\(found)")
    }

    @Test("all faults of all files are told at once")
    func all() throws {
        let one = Self.good.replacing("00:05 UTC", with: "never").replacing("reach: 0 days", with: "reach: 0 moons")
        let two = Self.good.replacing("refined.prices", with: "refined.others").replacing("type: day", with: "type: d")
        let found = try faults([
            "prices.yml": one, "prices.sql": "SELECT 1", "others.yml": two, "others.sql": "SELECT 1",
            "lonely.sql": "SELECT 1",
        ])
        #expect(found.count == 5, "\(found)")
        #expect(found.contains("lonely.sql: there is no .yml beside it"))
    }

    @Test("a description without a query is a fault")
    func noQuery() throws {
        #expect(try faults(["prices.yml": Self.good]) == ["prices.sql: the file is missing or cannot be read"])
        #expect(try faults(["prices.yml": Self.good, "prices.sql": " ;\n"]) == ["prices.sql: there is no SELECT"])
    }

    @Test("models that read one another are refused")
    func cycle() throws {
        let window = "window: { column: minute, of: observed_at, length: 1 minute }\n"
        let given = "given: { raw.quotes: [{ symbol: A, price: \"1\", observed_at: \"2026-11-20T00:00:00Z\" }] }"
        let base = Self.good.replacing(window, with: "").replacing(given, with: "given: {}")
        let one = base.replacing("raw.quotes", with: "refined.others")
        let two = base.replacing("refined.prices", with: "refined.others").replacing(
            "raw.quotes", with: "refined.prices")
        let found = try faults([
            "prices.yml": one, "prices.sql": "SELECT 1", "others.yml": two, "others.sql": "SELECT 1",
        ])
        #expect(found == ["refined.others: these models read one another: refined.others, refined.prices"])
    }

    @Test("a folder that is not there is a fault")
    func noFolder() {
        #expect(throws: ModelFaults.self) { try Models(folders: ["/nowhere/at/all"]) }
    }
}
