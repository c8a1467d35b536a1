import Batch
import Foundation
import MarketData
import Testing
import Warehouse

@Suite("The daily batch", .serialized, .timeLimit(.minutes(5)))
struct BatchTests {
    private let minutes = "refined.quotes_1m"

    @Test("dirty days become refined tables, upstream first, and the dirt is gone")
    func publishes() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([
            .init(second: 1, price: "100"), .init(second: 59, price: "103"), .init(second: 60, price: "101"),
            .init(symbol: "ETH-USD", second: 5, price: "7"),
        ])
        let reports = try await fixture.batch().runOnce()
        #expect(reports.map(\.model) == ["refined.quotes_1m", "refined.quotes_daily"])
        #expect(reports.allSatisfy { $0.isPublished }, "\(reports)")
        #expect(
            try await fixture.minutes() == ["BTC-USD 00:00 2 103.0", "BTC-USD 00:01 1 101.0", "ETH-USD 00:00 1 7.0"])
        #expect(
            try await fixture.days() == [
                "\(Samples.day) BTC-USD 3 100.0 103.0 100.0 101.0", "\(Samples.day) ETH-USD 1 7.0 7.0 7.0 7.0",
            ])
        #expect(try await fixture.catalog.dirt().isEmpty)
        #expect(try await fixture.batch().runOnce().isEmpty)
    }

    @Test("a late quote has its day computed again, and no other")
    func late() async throws {
        let fixture = try await PipelineFixture()
        let other = Samples.day.adding(days: -1)
        try await fixture.register([.init(second: 1, price: "100"), .init(second: 1, price: "50", day: other)])
        _ = try await fixture.batch().runOnce()
        try await fixture.register([.init(second: 2, price: "90")])
        let reports = try await fixture.batch().runOnce()
        #expect(reports.map(\.day) == [Samples.day, Samples.day])
        #expect(
            try await fixture.days() == [
                "\(other) BTC-USD 1 50.0 50.0 50.0 50.0", "\(Samples.day) BTC-USD 2 100.0 100.0 90.0 90.0",
            ])
    }

    @Test("a run opens no file of another day")
    func otherDays() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([.init(second: 1, price: "50", day: Samples.day.adding(days: -1))])
        _ = try await fixture.batch().runOnce()
        try await fixture.register([.init(second: 1, price: "100")])
        // Whoever opened the other day's file would find none.
        try FileManager.default.removeItem(atPath: fixture.files[0])
        let reports = try await fixture.batch().runOnce()
        #expect(reports.map(\.isPublished) == [true, true], "\(reports)")
        #expect(reports.map(\.files) == [1, 1])
    }

    @Test("files of an older schema version are read beside newer ones")
    func versions() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([.init(second: 1, price: "100")], leavingOut: ["currency"])
        try await fixture.register([.init(second: 2, price: "101")])
        _ = try await fixture.batch().runOnce()
        #expect(try await fixture.minutes() == ["BTC-USD 00:00 2 101.0"])
    }

    @Test("a publication names exactly the inputs that it was computed from")
    func inputs() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([
            .init(second: 1, price: "100"), .init(second: 1, price: "1", day: Day(daysSinceEpoch: 9)),
        ])
        try await fixture.register([.init(second: 2, price: "101")])
        _ = try await fixture.batch().runOnce()
        let raw = try await fixture.catalog.publicationInputs(model: minutes, day: Samples.day)
        #expect(raw.count == 2)
        #expect(raw.allSatisfy { $0.name.hasPrefix("raw/quotes/") })
        let daily = try await fixture.catalog.publicationInputs(model: "refined.quotes_daily", day: Samples.day)
        #expect(daily.map(\.name) == ["refined.quotes_1m@\(Samples.day)@1"])
    }

    @Test("a failed check publishes nothing, says why, and leaves the day dirty and what was published as it was")
    func failedCheck() async throws {
        let checked = try Models(
            Models.bundled().inOrder.filter { $0.name == minutes }.map { model in
                model.with(checks: model.checks + [.holds(name: "prices stay below 1000", expression: "high < 1000")])
            })
        let fixture = try await PipelineFixture(models: checked)
        try await fixture.register([.init(second: 1, price: "100")])
        _ = try await fixture.batch().runOnce()
        try await fixture.register([.init(second: 2, price: "1000")])
        let report = try #require(try await fixture.batch().runOnce().first)
        guard case .checksFailed(let failures) = report.outcome else {
            Issue.record("\(report)")
            return
        }
        #expect(failures.count == 1)
        #expect(failures[0].hasPrefix("prices stay below 1000: broken by 1 of 1 rows, such as"), "\(failures)")
        #expect(try await fixture.minutes() == ["BTC-USD 00:00 1 100.0"])
        #expect(try await fixture.catalog.dirt().map(\.model) == [minutes])
        #expect(try await fixture.catalog.failedRuns().map(\.reason) == failures)
    }

    static let broken: [(query: String, failure: String)] = [
        ("SELECT symbol, price, trading_day FROM raw.quotes WHERE false", "not-empty: there is no row"),
        ("SELECT symbol, price, trading_day FROM raw.quotes", "unique-grain: 1 values of (symbol) come more than once"),
        (
            "SELECT DISTINCT symbol, CAST(NULL AS DECIMAL(38,18)) AS price, trading_day FROM raw.quotes",
            "price is present: broken by 1 of 1 rows"
        ),
    ]

    @Test("each kind of check can fail", arguments: broken)
    func checks(query: String, failure: String) async throws {
        let model = Model(
            table: Samples.table("refined.broken"), description: "",
            columns: [
                ModelColumn("symbol", .text, ""), ModelColumn("price", .decimal, ""),
                ModelColumn("trading_day", .day, ""),
            ],
            grain: ["symbol"], sources: [Samples.table("raw.quotes")], checks: [.notEmpty, .uniqueGrain], query: query)
        let fixture = try await PipelineFixture(models: try Models([model]))
        try await fixture.register([.init(second: 1, price: "1"), .init(second: 2, price: "2")])
        let report = try #require(try await fixture.batch().runOnce().first)
        guard case .checksFailed(let failures) = report.outcome else {
            Issue.record("\(report)")
            return
        }
        #expect(failures.count == 1)
        #expect(failures.first?.hasPrefix(failure) == true, "\(failures)")
    }

    @Test("a query that the engine refuses leaves the day dirty and the others go on")
    func refusedQuery() async throws {
        let wrong = Model(
            table: Samples.table("refined.wrong"), description: "", columns: [ModelColumn("trading_day", .day, "")],
            grain: ["trading_day"], sources: [Samples.table("raw.quotes")], query: "SELECT no_such FROM raw.quotes")
        let fixture = try await PipelineFixture(models: try Models(Models.bundled().inOrder + [wrong]))
        try await fixture.register([.init(second: 1, price: "1")])
        let reports = try await fixture.batch().runOnce()
        #expect(reports.filter(\.isPublished).map(\.model) == ["refined.quotes_1m", "refined.quotes_daily"])
        #expect(reports.filter { !$0.isPublished }.map(\.ending.rawValue) == ["not-done"])
        #expect(try await fixture.catalog.dirt().map(\.model) == ["refined.wrong"])
    }

    @Test("a clean day is computed again by force, to the same rows, as a new version")
    func force() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([.init(second: 1, price: "100"), .init(second: 61, price: "101")])
        _ = try await fixture.batch().runOnce()
        let before = try await fixture.minutes()
        let reports = try await fixture.batch().runOnce(days: [Samples.day], models: [minutes], force: true)
        guard case .published(version: 2) = try #require(reports.first).outcome else {
            Issue.record("\(reports)")
            return
        }
        #expect(try await fixture.minutes() == before)
    }

    @Test("of two processes on one day one publishes, and the other's result is thrown away or not needed")
    func twoProcesses() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([.init(second: 1, price: "100")])
        let batches = (fixture.batch(), fixture.batch())
        async let left = batches.0.runOnce(models: [minutes])
        async let right = batches.1.runOnce(models: [minutes])
        let reports = try await left + right
        #expect(reports.filter(\.isPublished).count == 1, "\(reports)")
        #expect(reports.allSatisfy { ["published", "discarded"].contains($0.ending.rawValue) }, "\(reports)")
        #expect(try await fixture.minutes() == ["BTC-USD 00:00 1 100.0"])
    }
}

extension Model {
    func with(checks: [Check]? = nil, query: String? = nil) -> Model {
        Model(
            table: table, description: description, columns: columns, grain: grain, sources: sources,
            reachDays: reachDays, window: window, due: due, refresh: refresh, checks: checks ?? self.checks,
            examples: examples, query: query ?? self.query)
    }
}
