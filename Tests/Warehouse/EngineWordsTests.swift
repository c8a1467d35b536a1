import Foundation
import MarketData
import Testing

@testable import Warehouse

@Suite("What the engine's words mean", .serialized, .timeLimit(.minutes(3)))
struct EngineWordsTests {
    @Test(
        "a disk or a limit of the system's is unavailable, whatever it says; SQL that is wrong is told apart",
        arguments: [
            ("IO Error: Could not read from file \"x\": Stale file handle", CatalogError.Kind.unavailable),
            ("IO Error: Could not write file \"x\": Disk quota exceeded", .unavailable),
            ("IO Error: Could not read from file \"x\": Input/output error", .unavailable),
            ("IO Error: Cannot open file \"x\": Too many open files", .unavailable),
            ("Binder Error: Referenced column \"IO Error\" not found", .sql), ("Parser Error: syntax error", .sql),
        ])
    func kinds(words: String, kind: CatalogError.Kind) {
        #expect(CatalogError(diagnostics: words, exitStatus: 1, doing: "test").kind == kind)
    }

    /// A catalog whose engine says these words, as no test can have a mount say them.
    private func catalog(saying words: String, in lake: LakeFixture) throws -> Catalog {
        let program = "\(lake.folder)/engine"
        try Data("#!/bin/sh\necho '\(words)' >&2\nexit 1\n".utf8).write(to: URL(fileURLWithPath: program))
        chmod(program, 0o700)
        let location = DuckDB.Location(executable: program, extensions: lake.engine.location.extensions)
        let sound = lake.catalog()
        sound.schema.replace(by: [.prices])
        return Catalog(
            metadata: lake.metadata, engine: DuckDB(location: location), clock: sound.clock, logger: sound.logger,
            metrics: sound.metrics, patience: sound.patience, schema: sound.schema, beforeCommit: { _ in })
    }

    @Test(
        "an object is refused for good only where it is proven to be at fault",
        arguments: [
            ("IO Error: Could not read from file x: Stale file handle", CatalogError.Kind?.some(.unavailable)),
            ("IO Error: Could not read from file x: Too many open files", .unavailable),
            ("Catalog Error: Table with name ducklake_table does not exist!", .sql),
            ("Invalid Input Error: Failed to add data files to DuckLake: No magic bytes found at end of file", nil),
            ("Invalid Error: Failed to add data files to DuckLake: do not know what type: ", nil),
        ])
    func registers(words: String, kind: CatalogError.Kind?) async throws {
        let lake = try LakeFixture()
        _ = try await lake.openedCatalog()
        let catalog = try catalog(saying: words, in: lake)
        let objects = [try await lake.object(0..<10), try await lake.object(10..<20)]
        for batch in [objects, [objects[0]]] {
            if let kind {
                let error = await #expect(throws: CatalogError.self) { _ = try await catalog.register(batch) }
                #expect(error?.kind == kind)
            } else {
                let outcomes = try await catalog.register(batch)
                #expect(outcomes.count == batch.count)
                for case .registered in outcomes { Issue.record("\(outcomes)") }
            }
        }
    }

    /// A catalog whose engine is real, and cannot read published files where it is asked whether it can.
    private func catalogOnStaleMount(in lake: LakeFixture, like sound: Catalog) throws -> Catalog {
        let program = "\(lake.folder)/engine"
        // It writes to where nothing is, in place of looking.
        let script = """
            #!/bin/bash
            exec '\(lake.engine.location.executable)' "$@" < <(
              exec 3>&- 2> /dev/null
              while IFS= read -r line; do
                case $line in *'max(hash(file))'*) line="COPY (SELECT 1) TO '/proc/none/x' (FORMAT csv);" ;; esac
                printf '%s\\n' "$line"
              done
            )

            """
        try Data(script.utf8).write(to: URL(fileURLWithPath: program))
        chmod(program, 0o700)
        let location = DuckDB.Location(executable: program, extensions: lake.engine.location.extensions)
        return Catalog(
            metadata: lake.metadata, engine: DuckDB(location: location), clock: sound.clock, logger: sound.logger,
            metrics: sound.metrics, patience: sound.patience, schema: sound.schema, beforeCommit: { _ in })
    }

    @Test("a published file on a mount that does not answer is not taken for a lost one")
    func published() async throws {
        let lake = try LakeFixture()
        let sound = try await lake.openedCatalog()
        try await sound.declare([
            ModelDeclaration(
                name: "refined.m", columns: [.init(name: "trading_day", type: "DATE", description: "Day.")],
                sources: ["raw.spot_prices"])
        ])
        func publication(_ version: Int64, in catalog: Catalog) async throws -> [PublicationOutcome] {
            let path = "\(lake.folder)/\(version).parquet"
            _ = try await lake.engine.run(
                "COPY (SELECT \(SQL.literal(Day.first)) AS trading_day) TO \(SQL.literal(path)) (FORMAT parquet)")
            let file = Publication.File(location: path, size: 1, sha256: "\(version)", rows: 1)
            let base = version == 1 ? nil : version - 1
            return try await catalog.publish([
                Publication(model: "refined.m", day: .first, basedOn: base, sequence: .max, file: file, inputs: [])
            ])
        }
        #expect(try await publication(1, in: sound) == [.published(version: 1)])
        try FileManager.default.removeItem(atPath: "\(lake.folder)/1.parquet")
        let stale = try catalogOnStaleMount(in: lake, like: sound)
        let error = await #expect(throws: CatalogError.self) { _ = try await publication(2, in: stale) }
        #expect(error?.kind == .unavailable)
        #expect(try await sound.publications().map(\.version) == [1])
        #expect(try await publication(2, in: sound) == [.published(version: 2)])
    }

    @Test("a catalog is not called damaged where a disk does not answer")
    func opens() async throws {
        let lake = try LakeFixture()
        _ = try await lake.openedCatalog()
        let catalog = try catalog(saying: "IO Error: Could not read from file x: Stale file handle", in: lake)
        let error = await #expect(throws: CatalogError.self) {
            try await catalog.open(datasets: [.prices], create: false)
        }
        #expect(error?.kind == .unavailable)
    }
}
