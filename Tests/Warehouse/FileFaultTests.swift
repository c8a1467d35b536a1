import Foundation
import MarketData
import Runtime
import Testing

@testable import Warehouse

@Suite("The catalog's files under faults", .serialized, .timeLimit(.minutes(5)))
struct FileFaultTests {
    private let lake: LakeFixture
    private let files: SQLiteMetadata

    init() throws {
        lake = try LakeFixture()
        files = SQLiteMetadata(folder: "\(lake.folder)/catalog")
    }

    @Test("an orphaned engine keeps the turn until it ends")
    func orphan() async throws {
        _ = try await lake.openedCatalog()
        let path = files.turn
        var lock = try TurnLock(path: path)
        #expect(try TurnLock(path: path) == nil)
        var orphan = try EngineProcess(
            executable: lake.engine.location.executable, arguments: lake.engine.arguments, handle: ProcessHandle(),
            inheriting: try #require(lock?.descriptor))
        lock = nil
        #expect(try TurnLock(path: path) == nil)
        let impatient = lake.catalog(patience: Patience(turn: .zero))
        let error = await #expect(throws: CatalogError.self) {
            try await impatient.markDirty(model: "m", days: [.first])
        }
        #expect(error?.kind == .busy)
        _ = orphan.finish()
        #expect(try TurnLock(path: path) != nil)
    }

    @Test("an engine that does not answer is ended with all that it started, the turn is free, and a retry does it")
    func hungEngine() async throws {
        let catalog = try await lake.openedCatalog()
        let object = try await lake.object(0..<10)
        // What it starts has the turn's descriptor as well.
        let program = "\(lake.folder)/hung"
        try Data("#!/bin/sh\nsleep 100000 & wait\n".utf8).write(to: URL(fileURLWithPath: program))
        chmod(program, 0o700)
        let location = DuckDB.Location(executable: program, extensions: lake.engine.location.extensions)
        let hung = Catalog(
            metadata: files, engine: DuckDB(location: location), clock: catalog.clock, logger: catalog.logger,
            metrics: catalog.metrics, patience: Patience(transaction: .milliseconds(100)), schema: catalog.schema,
            beforeCommit: { _ in })
        for _ in 0..<2 {
            let error = await #expect(throws: CatalogError.self) { _ = try await hung.register([object]) }
            #expect(error?.kind == .engine)
            #expect(
                error?.cause.contains("had not answered within 0.1 seconds") == true, "\(String(describing: error))")
            #expect(try TurnLock(path: files.turn) != nil)
        }
        #expect(try await catalog.register([object]) == [.registered])
    }

    enum Damage: CaseIterable {
        case text, garbageAfterHeader, truncated, anotherDatabase
    }

    @Test("a damaged catalog is `corrupt`, and the error says what to do", arguments: Damage.allCases)
    func corrupt(damage: Damage) async throws {
        _ = try await lake.openedCatalog()
        let path = files.path
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        switch damage {
        case .text: bytes = Data("this is a text".utf8)
        case .garbageAfterHeader: bytes.replaceSubrange(100..., with: Data(repeating: 0x5a, count: bytes.count - 100))
        case .truncated: bytes = bytes.prefix(5000)
        case .anotherDatabase:
            unlink(path)
            let attach = "LOAD '\(lake.engine.location.extensions)/sqlite_scanner.duckdb_extension';"
            _ = try await lake.engine.run(
                "\(attach) ATTACH \(SQL.literal(path)) AS x (TYPE sqlite); CREATE TABLE x.t(a INT)")
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        let error = await #expect(throws: CatalogError.self) {
            try await lake.catalog().open(datasets: [.prices], create: true)
        }
        #expect(error?.kind == .corrupt)
        #expect(error?.cause.contains("pregao catalog rebuild") == true)
    }

    @Test("a folder that cannot be made is unavailable")
    func noFolder() async throws {
        try Data().write(to: URL(fileURLWithPath: "\(lake.folder)/catalog"))
        let error = await #expect(throws: CatalogError.self) {
            try await lake.catalog().open(datasets: [.prices], create: true)
        }
        #expect(error?.kind == .unavailable)
    }

    @Test("in a read-only folder writing is unavailable", .enabled(if: geteuid() != 0, "root may write anywhere"))
    func readOnly() async throws {
        let catalog = try await lake.openedCatalog()
        let object = try await lake.object(0..<10)
        chmod(files.folder, 0o500)
        chmod(files.path, 0o400)
        defer { chmod(files.folder, 0o700) }
        let error = await #expect(throws: CatalogError.self) { _ = try await catalog.register([object]) }
        #expect(error?.kind == .unavailable)
    }
}
