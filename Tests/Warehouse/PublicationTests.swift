import Foundation
import JSON
import Lake
import MarketData
import Testing

@testable import Warehouse

@Suite("Dirt and publications", .serialized, .onEachMetadata, .timeLimit(.minutes(5)))
struct PublicationTests {
    private let lake: LakeFixture
    private let daily = ModelDeclaration(
        name: "refined.daily",
        columns: [
            .init(name: "symbol", type: "VARCHAR", description: "It's the symbol."),
            .init(name: "trading_day", type: "DATE", description: "The day."),
            .init(name: "quotes", type: "BIGINT", description: "How many."),
        ], sources: ["raw.spot_prices"])
    private var weekly: ModelDeclaration {
        ModelDeclaration(
            name: "refined.weekly", columns: daily.columns, sources: ["refined.daily"], reachDays: 2)
    }

    init() throws { lake = try LakeFixture() }

    /// Writes a refined file of one day with one row, `quotes` being its number.
    private func file(_ day: Day, quotes: Int, name: String? = nil) async throws -> Publication.File {
        let location = "\(lake.folder)/\(name ?? "\(day)-\(quotes)").parquet"
        _ = try await lake.engine.run(
            """
            COPY (SELECT 'a' AS symbol, \(SQL.literal(day)) AS trading_day, \(quotes)::BIGINT AS quotes)
            TO \(SQL.literal(location)) (FORMAT parquet)
            """)
        return .init(location: location, size: 1, sha256: "sum of \(quotes)", rows: 1)
    }

    private func publication(
        of model: String = "refined.daily", _ day: Day, basedOn: Int64?, sequence: Int64, _ file: Publication.File?
    ) -> Publication {
        Publication(
            model: model, day: day, basedOn: basedOn, sequence: sequence, file: file,
            inputs: [.init(name: "raw/key", sha256: "aa")])
    }

    private func dirtyDays(_ catalog: Catalog, _ model: String) async throws -> [Day] {
        try await catalog.dirt(of: model).map(\.day)
    }

    @Test("a new model makes every day that its sources hold dirty; declaring it again changes nothing")
    func newModel() async throws {
        let catalog = try await lake.openedCatalog()
        let objects = [try await lake.object(0..<10), try await lake.object(10..<20, days: [.second, .third])]
        _ = try await catalog.register(objects)
        #expect(try await catalog.dirt().isEmpty)
        try await catalog.declare([daily])
        #expect(try await dirtyDays(catalog, "refined.daily") == [.first, .second, .third])
        let sequence = try await catalog.sequence()
        try await catalog.declare([daily])
        #expect(try await catalog.sequence() == sequence)
    }

    @Test("registered objects make their days dirty, with the times inside which they lie")
    func registration() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily])
        _ = try await catalog.register([try await lake.object(0..<10)])
        let first = try await catalog.dirt()
        let start = Day.first.startInUTC
        #expect(first.map(\.day) == [.first])
        #expect(first.map(\.first) == [start] && first.map(\.last) == [start.adding(microseconds: 1_000_000)])
        _ = try await catalog.register([try await lake.object(10..<20, days: [.first, .second])])
        let second = try await catalog.dirt()
        #expect(second.map(\.day) == [.first, .second])
        #expect(second[0].sequence > first[0].sequence)
    }

    @Test("a published day replaces the one before; a reader sees one or the other")
    func replaces() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily])
        let first = publication(.first, basedOn: nil, sequence: 1, try await file(.first, quotes: 1))
        let other = publication(.second, basedOn: nil, sequence: 1, try await file(.second, quotes: 7))
        #expect(try await catalog.publish([first, other]) == [.published(version: 1), .published(version: 1)])
        let before = try await catalog.newestSnapshot()
        let second = publication(.first, basedOn: 1, sequence: 2, try await file(.first, quotes: 2))
        #expect(try await catalog.publish([second]) == [.published(version: 2)])
        let query = "SELECT quotes FROM lake.refined.daily ORDER BY trading_day"
        #expect(try await catalog.rows(query).map { $0.integer("quotes") } == [2, 7])
        #expect(try await catalog.rows(query, snapshot: before).map { $0.integer("quotes") } == [1, 7])
        let published = try await catalog.publications(of: "refined.daily")
        #expect(published.map(\.version) == [2, 1])
        #expect(published.first?.path == second.file?.location)
        let files = try await catalog.files(ofTable: "daily", inSchema: "refined")
        #expect(files == [second, other].compactMap(\.file?.location).sorted())
        #expect(published.first?.inputName == "refined.daily@\(Day.first)@2")
        let inputs = try await catalog.publicationInputs(model: "refined.daily", day: .first)
        #expect(inputs == [PublicationInput(name: "raw/key", sha256: "aa")])
    }

    @Test("a run that started from another version is discarded, and the others of its set are published")
    func stale() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily])
        let first = publication(.first, basedOn: nil, sequence: 1, try await file(.first, quotes: 1))
        let stale = publication(.first, basedOn: nil, sequence: 1, try await file(.first, quotes: 2))
        let other = publication(.second, basedOn: nil, sequence: 1, try await file(.second, quotes: 3))
        _ = try await catalog.publish([first])
        #expect(try await catalog.publish([stale, other]) == [.discarded(current: 1), .published(version: 1)])
        let rows = try await catalog.rows("SELECT quotes FROM lake.refined.daily ORDER BY trading_day")
        #expect(rows.map { $0.integer("quotes") } == [1, 3])
    }

    @Test("a day without rows empties the table's day, and the same file again leaves it")
    func emptyAndSame() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily])
        let file = try await file(.first, quotes: 1)
        _ = try await catalog.publish([publication(.first, basedOn: nil, sequence: 1, file)])
        #expect(
            try await catalog.publish([publication(.first, basedOn: 1, sequence: 1, file)])
                == [.published(version: 2)])
        #expect(try await catalog.count("lake.refined.daily") == 1)
        _ = try await catalog.publish([publication(.first, basedOn: 2, sequence: 1, nil)])
        #expect(try await catalog.count("lake.refined.daily") == 0)
        #expect(try await catalog.publications().map(\.path) == [nil])
        _ = try await catalog.publish([publication(.first, basedOn: 3, sequence: 1, file)])
        #expect(try await catalog.count("lake.refined.daily") == 1)
    }

    @Test("dirt is cleared up to the run's snapshot and no further")
    func clearsUpToSequence() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily])
        _ = try await catalog.register([try await lake.object(0..<10)])
        let run = try await catalog.inputs(for: "refined.daily", sources: daily.sources, days: .first ... .first)
        _ = try await catalog.register([try await lake.object(10..<20)])
        let early = publication(.first, basedOn: nil, sequence: run.sequence, try await file(.first, quotes: 10))
        _ = try await catalog.publish([early])
        #expect(try await dirtyDays(catalog, "refined.daily") == [.first])
        let again = try await catalog.inputs(for: "refined.daily", sources: daily.sources, days: .first ... .first)
        let late = publication(.first, basedOn: 1, sequence: again.sequence, try await file(.first, quotes: 20))
        _ = try await catalog.publish([late])
        #expect(try await dirtyDays(catalog, "refined.daily").isEmpty)
    }

    @Test("a published day makes the models that read it dirty: that day, and the held days that reach back to it")
    func downstream() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily, weekly])
        let later: [Day] = [.second, .third, Day.third.adding(days: 1)]
        for day in later {
            let file = try await file(day, quotes: 1)
            _ = try await catalog.publish([publication(day, basedOn: nil, sequence: 1, file)])
        }
        let sequence = try await catalog.sequence()
        for day in later {
            _ = try await catalog.publish([
                publication(of: "refined.weekly", day, basedOn: nil, sequence: sequence, nil)
            ])
        }
        #expect(try await dirtyDays(catalog, "refined.weekly").isEmpty)
        _ = try await catalog.publish([
            publication(.first, basedOn: nil, sequence: 1, try await file(.first, quotes: 1))
        ])
        #expect(try await dirtyDays(catalog, "refined.weekly") == [.first, .second, .third])
    }

    @Test("of a model with two sources, a changed day of one dirties the later days that only the other holds")
    func downstreamOfTwoSources() async throws {
        let catalog = try await lake.openedCatalog()
        let both = ModelDeclaration(
            name: "refined.both", columns: daily.columns, sources: ["raw.spot_prices", "refined.daily"], reachDays: 2)
        try await catalog.declare([daily, both])
        _ = try await catalog.publish([publication(.second, basedOn: nil, sequence: 1, nil)])
        let sequence = try await catalog.sequence()
        _ = try await catalog.publish([publication(of: both.name, .second, basedOn: nil, sequence: sequence, nil)])
        #expect(try await dirtyDays(catalog, both.name).isEmpty)
        _ = try await catalog.register([try await lake.object(0..<10)])
        #expect(try await dirtyDays(catalog, both.name) == [.first, .second])
    }

    @Test("a model that reaches farther back, or less far, has the days dirty that see more or less by it")
    func changedReach() async throws {
        let catalog = try await lake.openedCatalog()
        let far = Day.first.adding(days: 5)
        _ = try await catalog.register([try await lake.object(0..<9, days: [.first, .second, far])])
        func declare(reach: Int) async throws {
            try await catalog.declare([
                ModelDeclaration(
                    name: daily.name, columns: daily.columns, sources: daily.sources, reachDays: reach)
            ])
        }
        try await declare(reach: 1)
        let sequence = try await catalog.sequence()
        for day in [Day.first, .second, far] {
            _ = try await catalog.publish([publication(day, basedOn: nil, sequence: sequence, nil)])
        }
        #expect(try await dirtyDays(catalog, daily.name).isEmpty)
        // Of the second day it saw the first already; the far one sees the second now, four days before it.
        try await declare(reach: 4)
        #expect(try await dirtyDays(catalog, daily.name) == [far])
        let now = try await catalog.sequence()
        _ = try await catalog.publish([publication(far, basedOn: 1, sequence: now, nil)])
        try await declare(reach: 0)
        #expect(try await dirtyDays(catalog, daily.name) == [.second, far])
        let again = try await catalog.sequence()
        try await declare(reach: 0)
        #expect(try await catalog.sequence() == again)
    }

    enum Loss: CaseIterable {
        case lost, noParquet, cutShort

        func inflict(on path: String) throws {
            let url = URL(fileURLWithPath: path)
            switch self {
            case .lost: try FileManager.default.removeItem(at: url)
            case .noParquet: try Data("this is a text".utf8).write(to: url)
            case .cutShort: try Data(contentsOf: url).dropLast(20).write(to: url)
            }
        }
    }

    @Test(
        "a published file that is lost or damaged does not stop its replacement; its like make their days dirty",
        arguments: Loss.allCases)
    func replacesLost(_ loss: Loss) async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily])
        let days: [Day] = [.first, .second, .third]
        var files: [Publication.File] = []
        for (number, day) in days.enumerated() { files.append(try await file(day, quotes: number)) }
        let sequence = try await catalog.sequence()
        _ = try await catalog.publish(
            zip(days, files).map { publication($0, basedOn: nil, sequence: sequence, $1) })
        for file in files.prefix(2) { try loss.inflict(on: file.location) }

        let mended = publication(
            .first, basedOn: 1, sequence: try await catalog.sequence(), try await file(.first, quotes: 10))
        #expect(try await catalog.publish([mended]) == [.published(version: 2)])
        let query = "SELECT quotes FROM lake.refined.daily ORDER BY trading_day"
        #expect(try await catalog.rows(query).map { $0.integer("quotes") } == [10, 2])
        #expect(try await dirtyDays(catalog, daily.name) == [.second])

        let other = publication(
            .second, basedOn: 1, sequence: try await catalog.sequence(), try await file(.second, quotes: 11))
        #expect(try await catalog.publish([other]) == [.published(version: 2)])
        #expect(try await catalog.rows(query).map { $0.integer("quotes") } == [10, 11, 2])
        #expect(try await dirtyDays(catalog, daily.name).isEmpty)
        let comments = try await catalog.rows(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'daily' ORDER BY column_index")
        #expect(comments.map { $0.text("comment") } == daily.columns.map(\.description))
    }

    @Test("a new file that cannot be read is not published, and what is published stays as it is")
    func unreadableReplacement() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily])
        let sequence = try await catalog.sequence()
        _ = try await catalog.publish([
            publication(.first, basedOn: nil, sequence: sequence, try await file(.first, quotes: 1))
        ])
        let missing = Publication.File(location: "\(lake.folder)/none.parquet", size: 1, sha256: "", rows: 1)
        await #expect(throws: CatalogError.self) {
            _ = try await catalog.publish([publication(.first, basedOn: 1, sequence: sequence, missing)])
        }
        #expect(try await catalog.rows("FROM lake.refined.daily").map { $0.integer("quotes") } == [1])
        #expect(try await catalog.publications().map(\.version) == [1])
    }

    @Test("a run reads its inputs, refusals and its own versions in one snapshot")
    func inputs() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily, weekly])
        let object = try await lake.object(0..<10, days: [.first, .second])
        let outside = try await lake.object(10..<20, days: [.third])
        let lost = lake.announcement(20..<30)
        _ = try await catalog.register([object, outside])
        _ = try await catalog.refuse(lost, reason: "absent")
        _ = try await catalog.publish([
            publication(.first, basedOn: nil, sequence: 1, try await file(.first, quotes: 1))
        ])
        let read = try await catalog.inputs(for: "refined.daily", sources: daily.sources, days: .first ... .second)
        #expect(read.objects.map(\.key) == [object.announcement.key, object.announcement.key])
        #expect(read.objects.map(\.day) == [.first, .second])
        #expect(read.objects.map(\.rows) == [5, 5])
        #expect(read.refused.map(\.key) == [lost.key])
        #expect(read.published == [.first: 1])
        #expect(read.publications.isEmpty)
        #expect(try await catalog.sequence(snapshot: read.snapshot) == read.sequence)
        let downstream = try await catalog.inputs(
            for: "refined.weekly", sources: weekly.sources, days: .first ... .second)
        #expect(downstream.publications.map(\.inputName) == ["refined.daily@\(Day.first)@1"])
        #expect(downstream.objects.isEmpty)
    }

    @Test("nothing of a publication remains where the engine is killed before it commits")
    func killed() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily, weekly])
        let first = publication(.first, basedOn: nil, sequence: 1, try await file(.first, quotes: 1))
        _ = try await catalog.publish([first])
        let sequence = try await catalog.sequence()
        let second = publication(.first, basedOn: 1, sequence: 1, try await file(.first, quotes: 2))
        let error = await #expect(throws: CatalogError.self) {
            _ = try await lake.catalog(beforeCommit: { kill($0, SIGKILL) }).publish([second])
        }
        #expect(error?.kind == .engine)
        #expect(try await catalog.sequence() == sequence)
        #expect(try await catalog.publications().map(\.version) == [1])
        #expect(try await catalog.rows("FROM lake.refined.daily").map { $0.integer("quotes") } == [1])
        #expect(try await catalog.publish([second]) == [.published(version: 2)])
    }

    @Test(
        "names mean themselves, whatever they hold",
        arguments: [#"refined.x"; DROP SCHEMA lake; --"#, "refined.it's", "refined.日本", "other schema.t t"])
    func strangeNames(name: String) async throws {
        let catalog = try await lake.openedCatalog()
        let model = ModelDeclaration(
            name: name, columns: daily.columns + [.init(name: "'\"; --", type: "BIGINT", description: "'; --")],
            sources: ["raw.spot_prices"])
        try await catalog.declare([model])
        _ = try await catalog.register([try await lake.object(0..<10)])
        #expect(try await catalog.dirt().map(\.model) == [name])
        let sequence = try await catalog.sequence()
        let file = try await file(.first, quotes: 1, name: "it's; --")
        #expect(
            try await catalog.publish([publication(of: name, .first, basedOn: nil, sequence: sequence, file)])
                == [.published(version: 1)])
        #expect(try await catalog.dirt().isEmpty)
    }

    @Test("a model may not be named like the ledger or a raw table", arguments: ["pregao.turn", "raw.x", "x", "a.b.c"])
    func forbiddenNames(name: String) async throws {
        let catalog = try await lake.openedCatalog()
        let error = await #expect(throws: CatalogError.self) {
            try await catalog.declare([ModelDeclaration(name: name, columns: [], sources: [])])
        }
        #expect(error?.kind == .refused)
    }

    @Test("a model that grows by a column keeps its rows")
    func grows() async throws {
        let catalog = try await lake.openedCatalog()
        try await catalog.declare([daily])
        let file = try await file(.first, quotes: 1)
        _ = try await catalog.publish([publication(.first, basedOn: nil, sequence: 1, file)])
        let more = ModelDeclaration.Column(name: "more", type: "DOUBLE", description: "More.")
        try await catalog.declare([
            ModelDeclaration(name: daily.name, columns: daily.columns + [more], sources: daily.sources)
        ])
        #expect(try await catalog.rows("SELECT more FROM lake.refined.daily").map { $0["more"] } == [.null])
    }
}
