import Batch
import Foundation
import MarketData
import Testing
import Warehouse

@Suite("The SQL of one model's day")
struct ModelScriptTests {
    private let folder: TemporaryFolder
    private let quotes: Quotes
    private let models: Models
    private let minutes: Model
    private let source = Samples.table("raw.quotes")

    init() throws {
        folder = try TemporaryFolder()
        quotes = Quotes(engine: try Engine.make(), folder: folder.path)
        models = try Models.bundled()
        minutes = try #require(models[named: "refined.quotes_1m"])
    }

    private func compute(_ files: [String], to name: String, extent: ModelScript.Extent = .wholeDay) async throws
        -> String
    {
        let script = ModelScript(
            model: minutes, of: models, day: Samples.day, files: [source: files], extent: extent)
        let path = "\(folder.path)/\(name)"
        _ = try await quotes.engine.run(script.write(to: path))
        return path
    }

    private func text(_ columns: String, of path: String) async throws -> [String] {
        try await quotes.engine.run("SELECT concat_ws(' ', \(columns)) AS line FROM read_parquet('\(path)');")
            .compactMap { $0.text("line") }
    }

    private func closes(_ path: String) async throws -> [String] {
        try await text("symbol, strftime(minute, '%H:%M'), quotes, CAST(close AS DOUBLE)", of: path)
    }

    @Test("rows are sorted by the grain and cut to the day")
    func sorted() async throws {
        let file = try await quotes.write(
            [
                .init(symbol: "B", second: 60, price: "3"), .init(symbol: "B", second: 0, price: "2"),
                .init(symbol: "A", second: 0, price: "1"),
                .init(symbol: "A", second: 0, price: "9", day: Samples.day.adding(days: -1)),
                .init(symbol: "A", second: 0, price: "9", day: Samples.day.adding(days: 1)),
            ], to: "raw.parquet")
        let result = try await compute([file], to: "out.parquet")
        #expect(try await closes(result) == ["A 00:00 1 1.0", "B 00:00 1 2.0", "B 00:01 1 3.0"])
    }

    @Test("equal inputs give equal bytes")
    func deterministic() async throws {
        let file = try await quotes.write(
            (0..<500).map { .init(symbol: "S\($0 % 7)", second: $0, price: "\($0 % 13)", offset: $0) },
            to: "raw.parquet")
        let first = try await compute([file], to: "first.parquet")
        let second = try await compute([file], to: "second.parquet")
        #expect(FileManager.default.contentsEqual(atPath: first, andPath: second))
    }

    @Test("a column that an older file lacks is null, beside files that have it")
    func olderVersion() async throws {
        let old = try await quotes.write(
            [.init(second: 0, price: "1")], to: "old.parquet", leavingOut: ["currency", "_offset"])
        let new = try await quotes.write([.init(second: 1, price: "2", offset: 1)], to: "new.parquet")
        let both = try await compute([old, new], to: "both.parquet")
        #expect(try await closes(both) == ["BTC-USD 00:00 2 2.0"])
        let alone = try await compute([old], to: "alone.parquet")
        #expect(try await closes(alone) == ["BTC-USD 00:00 1 1.0"])
    }

    @Test("a day without files has no row")
    func empty() async throws {
        #expect(try await closes(try await compute([], to: "none.parquet")) == [])
    }

    @Test("windows computed again and the published rows outside them make what the whole day makes")
    func windows() async throws {
        let start = Samples.day.startInUTC
        let early = try await quotes.write(
            (0..<300).map { .init(symbol: "S\($0 % 3)", second: $0 * 2, price: "\($0)", offset: $0) }, to: "a.parquet")
        let published = try await compute([early], to: "published.parquet")
        let late = try await quotes.write(
            [
                .init(symbol: "S1", second: 61, price: "1000", offset: 300),
                .init(symbol: "S9", second: 119, price: "7", offset: 301),
                .init(symbol: "S0", second: 480, price: "2000", offset: 302),
            ], to: "b.parquet")
        let whole = try await compute([early, late], to: "whole.parquet")
        let window = start.adding(microseconds: 60_000_000)..<start.adding(microseconds: 9 * 60_000_000)
        let refreshed = try await compute(
            [early, late], to: "refreshed.parquet", extent: .windows(window, published: published))
        #expect(try await closes(refreshed) == closes(whole))
        #expect(try await closes(refreshed) != closes(published))
    }

    @Test("rows outside the windows are taken as published, not computed")
    func outside() async throws {
        let file = try await quotes.write(
            [.init(second: 0, price: "1"), .init(second: 60, price: "2", offset: 1)], to: "raw.parquet")
        let published = try await compute([file], to: "published.parquet")
        let other = try await quotes.write(
            [.init(second: 0, price: "100"), .init(second: 60, price: "200", offset: 1)], to: "other.parquet")
        let start = Samples.day.startInUTC
        let window = start.adding(microseconds: 60_000_000)..<start.adding(microseconds: 120_000_000)
        let refreshed = try await compute(
            [other], to: "refreshed.parquet", extent: .windows(window, published: published))
        #expect(try await closes(refreshed) == ["BTC-USD 00:00 1 1.0", "BTC-USD 00:01 1 200.0"])
    }

    @Test("a model that reaches back sees those days, and no others")
    func reach() async throws {
        let model = Model(
            table: Samples.table("refined.reaching"), description: "",
            columns: [ModelColumn("days", .integer, ""), ModelColumn("trading_day", .day, "")],
            grain: ["trading_day"], sources: [source], reachDays: 2,
            query: "SELECT count(*) OVER () AS days, trading_day FROM raw.quotes")
        let file = try await quotes.write(
            (-5...5).map { .init(second: 0, price: "1", day: Samples.day.adding(days: $0)) }, to: "raw.parquet")
        let script = ModelScript(
            model: model, of: try Models([model]), day: Samples.day, files: [source: [file]])
        let path = "\(folder.path)/out.parquet"
        _ = try await quotes.engine.run(script.write(to: path))
        #expect(try await text("days, trading_day", of: path) == ["3 \(Samples.day)"])
    }

    @Test("a published day computed again from its inputs is the same; a damaged one differs")
    func recomputed() async throws {
        let file = try await quotes.write(
            [.init(second: 0, price: "1"), .init(second: 60, price: "2", offset: 1)], to: "raw.parquet")
        let published = try await compute([file], to: "published.parquet")
        let same = Recomputation(
            model: minutes, of: models, day: Samples.day, inputs: [source: [file]], published: published)
        #expect(try await same.run(on: quotes.engine) == .compared(Difference(missing: 0, surplus: 0)))
        let damaged = "\(folder.path)/damaged.parquet"
        _ = try await quotes.engine.run(
            """
            COPY (SELECT * REPLACE (CASE quotes WHEN 1 THEN high + 1 END AS high) FROM read_parquet('\(published)')
            WHERE low = 1) TO '\(damaged)' (FORMAT parquet);
            """)
        let other = Recomputation(
            model: minutes, of: models, day: Samples.day, inputs: [source: [file]], published: damaged)
        guard case .compared(let difference) = try await other.run(on: quotes.engine) else {
            Issue.record("not compared")
            return
        }
        #expect(difference.missing == 2)
        #expect(difference.surplus == 1)
        #expect(difference.surplusSample?.contains("'high': 2.000000000000000000") == true, "\(difference)")
    }
}
