import Foundation
import Lake
import ObjectStoreTesting
import Runtime
import Testing

@testable import Warehouse

/// The engine at work on files of a local S3 server.
@Suite("Files in a store of another machine", .serialized, .timeLimit(.minutes(3)))
struct StoreTests {
    private let lake: LakeFixture

    init() throws { lake = try LakeFixture() }

    private struct Remote {
        let bucket: Bucket
        let store: RemoteObjectStore
        let engine: DuckDB
        let catalog: Catalog
        /// The same one, for who waits for the store no longer than two seconds.
        let hastyCatalog: Catalog
    }

    private func catalog(_ engine: DuckDB) -> Catalog {
        Catalog(
            folder: "\(lake.folder)/catalog", engine: engine, logger: Logger(component: "test", sink: { _ in }),
            metrics: Metrics())
    }

    private func remote(accessKey: String = Bucket.accessKey) async throws -> Remote {
        let bucket = try await S3Server.shared().bucket()
        var settings = try bucket.settings(prefix: "lake")
        settings.accessKey = accessKey
        let store = RemoteObjectStore(settings)
        settings.requestTimeout = .seconds(2)
        let engine = DuckDB(location: lake.engine.location, stores: EngineStores([store]))
        let hasty = DuckDB(location: lake.engine.location, stores: EngineStores([RemoteObjectStore(settings)]))
        let remote = Remote(
            bucket: bucket, store: store, engine: engine, catalog: catalog(engine), hastyCatalog: catalog(hasty))
        for catalog in [remote.catalog, remote.hastyCatalog] {
            try await catalog.open(datasets: [.prices], create: true)
        }
        return remote
    }

    /// A raw object, put into the store.
    private func object(_ range: Range<Int64>, in store: RemoteObjectStore) async throws -> Registration {
        let local = try await lake.object(range)
        let key = local.announcement.key
        try await store.put(Array(Data(contentsOf: URL(filePath: local.location))), at: key)
        return Registration(announcement: local.announcement, location: store.location(of: key))
    }

    /// A refined file of one row, put into the store.
    private func file(quotes: Int, in store: RemoteObjectStore) async throws -> Publication.File {
        let path = "\(lake.folder)/\(quotes).parquet"
        _ = try await lake.engine.run(
            """
            COPY (SELECT 'a' AS symbol, \(SQL.literal(.first)) AS trading_day, \(quotes)::BIGINT AS quotes)
            TO \(SQL.literal(path)) (FORMAT parquet)
            """)
        try await store.put(Array(Data(contentsOf: URL(filePath: path))), at: "refined/\(quotes).parquet")
        return .init(location: store.location(of: "refined/\(quotes).parquet"), size: 1, sha256: "\(quotes)", rows: 1)
    }

    @Test("they are registered and read as local ones are")
    func read() async throws {
        let remote = try await remote()
        let object = try await object(0..<10, in: remote.store)
        #expect(try await remote.catalog.register([object]) == [.registered])
        #expect(try await remote.catalog.count("lake.raw.spot_prices") == 10)
        let objects = try await remote.catalog.objects(limit: 10)
        #expect(objects.map(\.location) == ["s3://\(remote.bucket.name)/lake/\(object.announcement.key)"])
        // What a consumer of S3's events would ask the bucket for.
        #expect(objects.map(\.announcement.keyPrefix) == ["lake/"])
    }

    private static let troubles: [(name: String, fault: S3Fault)] = [
        ("500", .status(500, "InternalError")), ("503", .status(503, "SlowDown")),
        ("403", .status(403, "AccessDenied")),
        ("429", .status(429, "TooManyRequests")), ("400", .status(400, "ExpiredToken")), ("slow", .slow(seconds: 10)),
        ("cut", .cutAnswer.on("GET")), ("absent", .status(404, "NoSuchKey")),
    ]

    @Test(
        "one that the store does not give now is not refused: its registration may be tried again", arguments: troubles)
    func unavailable(name: String, fault: S3Fault) async throws {
        let remote = try await remote()
        let object = try await object(0..<10, in: remote.store)
        try await remote.bucket.spoil([fault])
        let catalog = name == "slow" ? remote.hastyCatalog : remote.catalog
        let error = await #expect(throws: CatalogError.self) { try await catalog.register([object]) }
        #expect(error?.kind == .unavailable, "\(error as Any)")
        #expect(error?.description.contains(Bucket.secretKey) == false)
        try await remote.bucket.spoil([])
        #expect(try await remote.catalog.register([object]) == [.registered])
    }

    @Test("a published file in a store that does not answer is not taken for a lost one")
    func silentStore() async throws {
        let remote = try await remote()
        try await remote.catalog.declare([
            ModelDeclaration(
                name: "refined.daily",
                columns: [
                    .init(name: "symbol", type: "VARCHAR", description: "The symbol."),
                    .init(name: "trading_day", type: "DATE", description: "The day."),
                    .init(name: "quotes", type: "BIGINT", description: "How many."),
                ], sources: ["raw.spot_prices"])
        ])
        func publication(basedOn: Int64?, _ file: Publication.File) -> Publication {
            Publication(model: "refined.daily", day: .first, basedOn: basedOn, sequence: 1, file: file, inputs: [])
        }
        let (first, second) = (try await file(quotes: 1, in: remote.store), try await file(quotes: 2, in: remote.store))
        _ = try await remote.catalog.publish([publication(basedOn: nil, first)])
        try await remote.bucket.spoil([.status(503, "SlowDown").on(key: "refined/1.parquet")])
        let error = await #expect(throws: CatalogError.self) {
            try await remote.catalog.publish([publication(basedOn: 1, second)])
        }
        #expect(error?.kind == .unavailable, "\(error as Any)")
        try await remote.bucket.spoil([])
        #expect(try await remote.catalog.publications().map(\.path) == [first.location])
        #expect(try await remote.catalog.publish([publication(basedOn: 1, second)]) == [.published(version: 2)])
        #expect(
            try await remote.catalog.rows("SELECT quotes FROM lake.refined.daily").map { $0.integer("quotes") } == [2])
    }

    @Test("the credentials are in no answer of the engine's, whatever they hold")
    func secrets() async throws {
        let remote = try await remote(accessKey: "it's;\"odd\"")
        let rows = try await remote.engine.run("SELECT secret_string FROM duckdb_secrets()")
        #expect(rows.count == 1)
        #expect(rows.first?.text("secret_string")?.contains(Bucket.secretKey) == false)
        #expect(rows.first?.text("secret_string")?.contains("key_id=it's;\"odd\"") == true)
        let error = await #expect(throws: CatalogError.self) {
            try await remote.engine.run("SET allow_unredacted_secrets = true")
        }
        #expect(error?.description.contains("Cannot change") == true)
    }
}
