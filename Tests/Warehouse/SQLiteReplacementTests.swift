import Foundation
import MarketData
import Testing

@testable import Warehouse

@Suite("Replacing the catalog's file, cut off at any step", .serialized, .timeLimit(.minutes(5)))
struct SQLiteReplacementTests {
    private let lake: LakeFixture
    private let files: SQLiteMetadata

    init() throws {
        lake = try LakeFixture()
        files = SQLiteMetadata(folder: "\(lake.folder)/catalog")
    }

    /// Makes a catalog of ten rows, the last of which are in the write-ahead log alone, as a reader that dies leaves it.
    private func makeOld() async throws {
        let catalog = try await lake.openedCatalog()
        let objects = [try await lake.object(0..<5), try await lake.object(5..<10)]
        _ = try await catalog.register([objects[0]])
        var reader = try EngineSession(lake.engine, doing: "read", handle: ProcessHandle())
        try reader.run(
            "\(lake.engine.preamble)\(catalog.attachScript()) BEGIN; SELECT count(*) FROM lake.pregao.objects;")
        #expect(try await catalog.register([objects[1]]) == [.registered])
        kill(reader.processID, SIGKILL)
        reader.close()
        let log = try Data(contentsOf: URL(fileURLWithPath: files.path + "-wal"))
        #expect(!log.isEmpty)
    }

    /// Makes a catalog of twenty rows beside it.
    private func makeNew(holding turn: any Turn) async throws {
        let catalog = lake.catalog()
        catalog.schema.replace(by: [.prices])
        let replacement = catalog.replacement()
        try await replacement.make(inheriting: turn)
        let object = try await lake.object(0..<20, tag: "b")
        #expect(try await replacement.register([object]) == [.registered])
    }

    /// The rows of the catalog that the next process opens; nil where it finds none.
    private func rowsFound() async throws -> Int64? {
        let catalog = lake.catalog()
        guard try await catalog.exists() else { return nil }
        try await catalog.open(datasets: [.prices], create: false)
        return try await catalog.count("lake.raw.spot_prices")
    }

    @Test("leaves the old catalog whole, or the new one", arguments: 0...SQLiteReplacement.Step.allCases.count)
    func crash(after count: Int) async throws {
        try await makeOld()
        let before = try Data(contentsOf: URL(fileURLWithPath: files.path))
        var turn = try TurnLock(path: files.turn)
        try await makeNew(holding: try #require(turn))
        for step in SQLiteReplacement.Step.allCases.prefix(count) { try files.placing.perform(step) }
        // While the one that replaces lives, nobody else goes on in its place.
        if files.placing.isUnderWay {
            let error = await #expect(throws: CatalogError.self) { _ = try await rowsFound() }
            #expect(error?.kind == .busy)
        }
        turn = nil
        let isNew = count > SQLiteReplacement.Step.allCases.firstIndex(of: .mark) ?? 0
        #expect(try await rowsFound() == (isNew ? 20 : 10))
        #expect(!files.placing.isUnderWay)
        if isNew {
            #expect(try Data(contentsOf: URL(fileURLWithPath: files.path + ".before")) == before)
            #expect(FileManager.default.fileExists(atPath: files.path + ".before-wal"))
        }
        let catalog = lake.catalog()
        _ = try await catalog.rebuild(datasets: [.prices]) { nil }
        #expect(try await rowsFound() == 0)
    }

    @Test("makes the first catalog whole, or none", arguments: 0...SQLiteReplacement.Step.allCases.count)
    func first(after count: Int) async throws {
        try files.makeFolders()
        var turn = try TurnLock(path: files.turn)
        try await makeNew(holding: try #require(turn))
        for step in SQLiteReplacement.Step.allCases.prefix(count) { try files.placing.perform(step) }
        turn = nil
        let isMade = count > SQLiteReplacement.Step.allCases.firstIndex(of: .mark) ?? 0
        #expect(try await rowsFound() == (isMade ? 20 : nil))
    }

    @Test("a step that fails is told, and the old catalog stays")
    func fails() async throws {
        try await makeOld()
        try FileManager.default.createDirectory(atPath: files.path + ".before", withIntermediateDirectories: false)
        let error = await #expect(throws: CatalogError.self) {
            _ = try await lake.catalog().rebuild(datasets: [.prices]) { nil }
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.doing.contains(".before") == true)
        #expect(try await rowsFound() == 10)
    }
}
