import PostgresTesting
import Testing

@testable import Warehouse

@Suite("A schema of somebody else's in the catalog's database", .serialized, .timeLimit(.minutes(5)))
struct ForeignSchemaTests {
    private let lake: LakeFixture

    init() throws {
        lake = try MetadataKind.$current.withValue(.postgres) { try LakeFixture() }
    }

    private func server() throws -> PostgresServer { try #require(lake.metadata as? PostgresMetadata).server }

    /// Puts a table of somebody else's into a schema, and says how it is found again.
    private func occupy(_ suffix: String) async throws -> String {
        let server = try server()
        let schema = server.schema + suffix
        try await lake.run("CREATE SCHEMA \(schema); CREATE TABLE \(schema).accounts (i INT)", on: server)
        return "to_regclass('\(schema).accounts') IS NOT NULL"
    }

    @Test("no catalog is made there, nor beside it, and nothing is put aside", arguments: ["", "_new", "_before"])
    func made(suffix: String) async throws {
        let isThere = try await occupy(suffix)
        let error = await #expect(throws: CatalogError.self) {
            try await lake.catalog().open(datasets: [.prices], create: true)
        }
        #expect(error?.kind == .refused)
        #expect(error?.cause.contains("catalog.schema") == true)
        #expect(try await lake.answer(isThere, of: try server()))
    }

    @Test("no catalog is rebuilt over it", arguments: ["", "_new", "_before"])
    func rebuilt(suffix: String) async throws {
        let catalog = lake.catalog()
        if !suffix.isEmpty { try await catalog.open(datasets: [.prices], create: true) }
        let isThere = try await occupy(suffix)
        let error = await #expect(throws: CatalogError.self) {
            _ = try await catalog.rebuild(datasets: [.prices]) { nil }
        }
        #expect(error?.kind == .refused)
        #expect(try await lake.answer(isThere, of: try server()))
    }

    @Test("one that comes while the new catalog is being made stays too", arguments: ["remove", "replace"])
    func meanwhile(step: String) async throws {
        let catalog = try await lake.openedCatalog()
        let turn = try await catalog.takeTurn("test")
        let replacement = catalog.replacement()
        if step == "replace" { try await replacement.make(inheriting: turn) }
        let isThere = try await occupy(step == "replace" ? "_before" : "_new")
        await #expect(throws: CatalogError.self) {
            if step == "replace" {
                try await catalog.metadata.replace(by: replacement.metadata, holding: turn)
            } else {
                try await replacement.metadata.remove(engine: lake.engine, patience: Patience(), holding: turn)
            }
        }
        #expect(try await lake.answer(isThere, of: try server()))
    }

    @Test("schemas that are there and empty are taken")
    func empty() async throws {
        let server = try server()
        for suffix in ["", "_new", "_before"] {
            try await lake.run("CREATE SCHEMA \(server.schema)\(suffix)", on: server)
        }
        let catalog = try await lake.openedCatalog()
        #expect(try await catalog.count("lake.pregao.turn") == 1)
    }
}
