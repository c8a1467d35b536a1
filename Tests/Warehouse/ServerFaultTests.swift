import Foundation
import MarketData
import PostgresTesting
import Runtime
import Testing

@testable import Warehouse

@Suite("The catalog's server under faults", .serialized, .timeLimit(.minutes(5)))
struct ServerFaultTests {
    private let lake: LakeFixture

    init() throws {
        lake = try MetadataKind.$current.withValue(.postgres) { try LakeFixture() }
    }

    private func catalog(_ uri: String, password: String? = nil) throws -> Catalog {
        let server = try PostgresServer(uri: uri, schema: PostgresForTests.unusedSchema(), password: password)
        return Catalog(
            folder: "\(lake.folder)/catalog", server: server,
            engine: DuckDB(location: lake.engine.location, environment: server.environment),
            logger: Logger(component: "test", sink: { _ in }), metrics: Metrics())
    }

    @Test("a password is taken from the URI or apart from it, and told to nobody")
    func password() async throws {
        let port = try PostgresForTests.server().port
        let uri = "postgresql://pregao@127.0.0.1:\(port)/\(PostgresForTests.database)"
        let apart = try catalog(uri, password: PostgresForTests.password)
        try await apart.open(datasets: [.prices], create: true)
        let secret = PostgresForTests.password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let inside = try catalog(uri.replacing("pregao@", with: "pregao:\(secret)@"))
        try await inside.open(datasets: [.prices], create: true)
        for text in [inside.attachScript(), inside.name, apart.attachScript(), apart.name] {
            #expect(!text.contains("secret"))
        }
    }

    struct Refused: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let uri: @Sendable (PostgresForTests) -> String
        let words: String
    }

    @Test(
        "who is not let in is told at once which setting to look at",
        arguments: [
            Refused(
                testDescription: "a wrong password",
                uri: { "postgresql://pregao:wrong@127.0.0.1:\($0.port)/\(PostgresForTests.database)" },
                words: "catalog.password"),
            Refused(
                testDescription: "no such user",
                uri: { "postgresql://nobody@/lakes?host=\($0.folder)&port=\($0.port)" }, words: "catalog.password"),
            Refused(
                testDescription: "no such database", uri: { $0.uri(ofDatabase: "none") }, words: "catalog.metadata"),
            Refused(
                testDescription: "no server", uri: { "postgresql://pregao@/lakes?host=\($0.folder)/away" },
                words: "catalog.metadata"),
        ])
    func refused(_ refused: Refused) async throws {
        let catalog = try catalog(refused.uri(try PostgresForTests.server()))
        let error = await #expect(throws: CatalogError.self) {
            try await catalog.open(datasets: [.prices], create: true)
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.cause.contains(refused.words) == true, "\(String(describing: error))")
        #expect(error?.description.contains("wrong") == false)
    }

    @Test("a writer that does not answer loses its turn, and cannot commit when it wakes")
    func frozenWriter() async throws {
        let catalog = try await lake.openedCatalog()
        let object = try await lake.object(0..<10)
        let brief = lake.catalog(patience: Patience(transaction: .milliseconds(300)))
        brief.schema.replace(by: [.prices])
        let frozen = lake.catalogSharing(
            brief,
            beforeCommit: { [lake, object] _ in
                // Another writer waits for the turn, has it when the server has ended the first, and commits.
                let done = DispatchSemaphore(value: 0)
                Task {
                    let other = lake.catalogSharing(catalog, beforeCommit: { _ in })
                    let outcome = try? await other.register([object])
                    #expect(outcome == [.registered])
                    done.signal()
                }
                done.wait()
            })
        // A longer limit, so that the engine's process outlives its turn on the server.
        let error = await #expect(throws: CatalogError.self) { _ = try await frozen.register([object]) }
        #expect([.unavailable, .busy, .engine].contains(error?.kind), "\(String(describing: error))")
        #expect(try await catalog.count("lake.raw.spot_prices") == 10)
        #expect(try await catalog.count("lake.pregao.objects") == 1)
    }

    @Test("the server lets the next writer have the turn of an engine that was killed")
    func killedEngine() async throws {
        let catalog = try await lake.openedCatalog()
        let object = try await lake.object(0..<10)
        for _ in 0..<2 {
            await #expect(throws: CatalogError.self) {
                _ = try await lake.catalogSharing(catalog, beforeCommit: { kill($0, SIGKILL) }).register([object])
            }
        }
        #expect(try await catalog.register([object]) == [.registered])
    }

    @Test("who has the turn for longer than a transaction keeps every other writer out until it is let go of")
    func heldTurn() async throws {
        let catalog = try await lake.openedCatalog()
        do {
            let turn = try await catalog.takeTurn("test")
            #expect(try await !lake.isTurnFree(of: catalog))
            let impatient = lake.catalogSharing(
                lake.catalog(patience: Patience(turn: .zero, attempts: 1)), beforeCommit: { _ in })
            let error = await #expect(throws: CatalogError.self) {
                try await impatient.markDirty(model: "m", days: [.first])
            }
            #expect(error?.kind == .busy)
            withExtendedLifetime(turn) {}
        }
        try await catalog.markDirty(model: "m", days: [.first])
    }
}
