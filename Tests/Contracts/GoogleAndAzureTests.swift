import Lake
import ObjectStoreTesting
import Testing

/// What is told of stores whose libraries Arrow lets nobody set up.
@Suite("A store of Google's or Azure's in trouble", .timeLimit(.minutes(3)))
struct GoogleAndAzureTests {
    @Test func `rights to the objects alone are enough to find a bucket of Google's there`() async throws {
        let store = RemoteObjectStore(try await S3Server.shared().googleBucket())
        try await store.check()
        #expect(try await store.size(of: "raw/a") == nil)
        try await store.put([1], at: "raw/a")
        try await store.check()
    }

    @Test func `a bucket of Google's that is not there is misconfigured`() async throws {
        var settings = try await S3Server.shared().googleBucket()
        settings.address = try StoreAddress("gs://\(settings.address.bucket)-not/lake")
        let store = RemoteObjectStore(settings)
        let check = await #expect(throws: StoreError.self) { try await store.check() }
        let size = await #expect(throws: StoreError.self) { try await store.size(of: "raw/a") }
        for error in [check, size] {
            #expect(error?.kind == .misconfigured)
            #expect(error?.cause.contains("there is no bucket") == true)
        }
    }

    @Test(arguments: ["gs://bucket/lake", "abfs://container@account.dfs.core.windows.net/lake"])
    func `a server that takes connections and never answers is given up, whatever the call`(url: String) async throws {
        let server = try SilentServer()
        var settings = RemoteStoreSettings(address: try StoreAddress(url), endpoint: server.endpoint)
        // In Base64, as an account's key of Azure's is.
        settings.secretKey = "c2VjcmV0"
        settings.requestTimeout = .milliseconds(20)
        settings.parallelism = 2
        let store = RemoteObjectStore(settings)
        let calls: [@Sendable () async throws -> Void] = [
            { try await store.check() }, { _ = try await store.read("raw/a") },
            { _ = try await store.size(of: "raw/a") },
            { try await store.put([1], at: "raw/a") }, { try await store.put([1], at: "raw/a") },
        ]
        // More than there are threads, one after the other.
        for call in calls {
            let error = await #expect(throws: StoreError.self) { try await call() }
            #expect(error?.kind == .unavailable)
            #expect(error?.doing.contains(settings.address.description) == true)
        }
        withExtendedLifetime(server) {}
    }
}
