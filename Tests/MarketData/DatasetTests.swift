import Foundation
import MarketData
import Testing

@Suite("Datasets")
struct DatasetTests {
    @Test("names are words with hyphens, and give topic and table", arguments: Datasets.all)
    func names(dataset: Dataset) {
        #expect(dataset.name.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
        #expect(dataset.topic == "pregao.\(dataset.name)")
        #expect(dataset.table == dataset.name.replacing("-", with: "_"))
        #expect(Datasets.named(dataset.name) == dataset)
        #expect(Datasets.ofTopic(dataset.topic) == dataset)
    }

    @Test("no two share a name, and none is known by a name that is nobody's")
    func distinct() {
        #expect(Set(Datasets.all.map(\.name)).count == Datasets.all.count)
        #expect(Datasets.named("nothing") == nil)
        #expect(Datasets.ofTopic("pregao.nothing") == nil)
    }

    @Test(
        "columns have distinct names in snake case, a description, and no name that tables keep",
        arguments: Datasets.all)
    func columns(dataset: Dataset) {
        #expect(Set(dataset.columns.map(\.name)).count == dataset.columns.count)
        for column in dataset.columns {
            #expect(column.name.wholeMatch(of: /[a-z]+(_[a-z0-9]+)*/) != nil, "\(column.name)")
            #expect(!column.description.isEmpty, "\(column.name)")
            #expect(column.name != "version", "the messages' own member")
        }
    }

    @Test("the key is a text that every row has", arguments: Datasets.all)
    func keys(dataset: Dataset) throws {
        let key = try #require(dataset.columns.first { $0.name == dataset.keyColumn })
        #expect(key.type == .text && !key.isNullable && key.since == 1)
    }

    @Test("the trading day comes from a time that every row has, in a zone that exists", arguments: Datasets.all)
    func tradingDays(dataset: Dataset) throws {
        let source = try #require(dataset.columns.first { $0.name == dataset.tradingDay.column })
        #expect(source.type == .instant && !source.isNullable && source.since == 1)
        #expect(TimeZone(identifier: dataset.tradingDay.timeZone) != nil)
        let day = try #require(dataset.columns.first { $0.name == "trading_day" })
        #expect(day.type == .day && !day.isNullable && day.since == 1)
    }

    @Test("every observation says when it was made and, where runs make it, by which run", arguments: Datasets.all)
    func provenance(dataset: Dataset) throws {
        let observed = try #require(dataset.columns.first { $0.name == "observed_at" })
        #expect(observed.type == .instant && !observed.isNullable)
        #expect(!dataset.isFilledByRuns || dataset.columns.contains { $0.name == "run_id" })
    }

    @Test("a dataset's version is its youngest column's, and older versions have fewer columns")
    func versions() {
        let dataset = Dataset(
            name: "grown", description: "", keyColumn: "symbol", tradingDay: TradingDayRule(column: "observed_at"),
            columns: [Column("symbol", .text, ""), Column("extra", .text, nullable: true, since: 3, "")])
        #expect(dataset.version == 3)
        #expect(dataset.columns(ofVersion: 2).map(\.name) == ["symbol"])
        #expect(dataset.columns(ofVersion: 3).map(\.name) == ["symbol", "extra"])
    }

    @Test("reasons are words with hyphens and say what they mean", arguments: GapReason.allCases)
    func reasons(reason: GapReason) {
        #expect(reason.rawValue.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil)
        #expect(reason.meaning.hasSuffix("."))
    }
}
