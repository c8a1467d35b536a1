import EventLog
import Foundation
import ObjectStoreTesting
import Testing

/// The built program on a local S3 server.
@Suite("On object stores", .serialized, .timeLimit(.minutes(5)))
struct ObjectStorePipelineTests {
    /// The settings of a store in each bucket, the raw objects and refined files below prefixes.
    private static func settings(
        _ server: S3Server, _ buckets: [String: Bucket], accessKey: String? = Bucket.accessKey
    ) -> String {
        let keys = accessKey.map { "\n    access-key: \($0)\n    secret-key: \(Bucket.secretKey)" } ?? ""
        let prefixes = ["raw": "/lake", "refined": "/tables/of-pregao"]
        let stores = buckets.sorted { $0.key < $1.key }.map { name, bucket in
            """
              \(name):
                url: s3://\(bucket.name)\(prefixes[name] ?? "")
                endpoint: \(server.endpoint)\(keys)
            """
        }
        return "storage:\n  request-timeout: 5s\n" + stores.joined(separator: "\n") + "\n"
    }

    private func withPipeline(_ body: (Pipeline, S3Server, _ buckets: [String: Bucket]) async throws -> Void)
        async throws
    {
        let server = try await S3Server.shared()
        let options = Pipeline.Options(symbols: ["BTC-USD", "ETH-USD"], priceTypes: ["spot"])
        try await Pipeline.with(options) { pipeline in
            var buckets: [String: Bucket] = [:]
            for name in ["raw", "backup", "refined"] { buckets[name] = try await server.bucket() }
            try pipeline.add(settings: Self.settings(server, buckets))
            defer { server.answer() }
            try await body(pipeline, server, buckets)
        }
    }

    private static let patience = ["--set", "archiver.longest-pause=1s"]

    @Test("a store that answers nobody is waited for: what comes meanwhile stays in the log, and nothing is lost")
    func outage() async throws {
        try await withPipeline { pipeline, server, buckets in
            try pipeline.start("run", ["run"] + Self.patience)
            try await pipeline.said(["published a day"], after: 0)
            let log = try await pipeline.openLog()
            let start = try pipeline.outputSize()
            server.fallSilent()
            try await pipeline.said(["object is held back"], by: "flusher", after: start)
            try await pipeline.shows(Figure(name: "pregao_flusher_paused", labels: ""))
            let seen = try await pipeline.ends(of: "pregao.quotes", log)
            try await pipeline.answers(60, whileAlive: ["run"])
            #expect(try await pipeline.ends(of: "pregao.quotes", log) != seen)
            server.answer()
            try await pipeline.hasPassed(log, whileAlive: "run")
            #expect(try await pipeline.ends(of: "pregao.dead-letters", log).allSatisfy { $0.value == 0 })
            await log.close()
            try await pipeline.finish("run")
            try await pipeline.expectProven()
            // Where the settings say, under keys that an S3 consumer asks for.
            for (name, prefix) in [("raw", "lake/raw/"), ("backup", "raw/"), ("refined", "tables/of-pregao/refined/")] {
                let keys = try await #require(buckets[name]).objects().keys
                #expect(!keys.isEmpty && keys.allSatisfy { $0.hasPrefix(prefix) }, "\(name)")
            }
            #expect(try pipeline.outputs().allSatisfy { !$0.contains(Bucket.secretKey) })
        }
    }

    @Test("stores that answer nobody when a process starts are waited for by the settings' names, and then it works")
    func awayAtTheStart() async throws {
        try await withPipeline { pipeline, server, _ in
            server.fallSilent()
            try pipeline.start("run", ["run", "--set", "storage.request-timeout=1s"] + Self.patience)
            // The last that is asked.
            try await pipeline.said(["setting=storage.refined"], after: 0)
            // Whether a catalog was lost the backup tells alone.
            try await pipeline.said(["cannot ask the backup store"], after: 0)
            server.answer()
            try await pipeline.said(["a store answers now"], after: 0)
            try await pipeline.said(["published a day"], after: 0)
            try await pipeline.finish("run")
            try await pipeline.expectProven()
        }
    }

    @Test("a process that is killed in the middle of an upload leaves nothing that its successor does not make good")
    func killed() async throws {
        try await withPipeline { pipeline, _, buckets in
            let raw = try #require(buckets["raw"])
            try pipeline.start("run", ["run"] + Self.patience)
            try await pipeline.answers(20, whileAlive: ["run"])
            _ = try await raw.requests()
            try await raw.spoil([S3Fault.slow(seconds: 4).on("PUT", key: "raw/")])
            try await eventually("an upload") { try await raw.requests().contains { $0.hasPrefix("PUT") } }
            try await pipeline.kill("run")
            try await raw.spoil([])
            try pipeline.start("run", ["run"] + Self.patience)
            try await pipeline.answers(20, whileAlive: ["run"])
            try await pipeline.finish("run")
            try await pipeline.expectProven()
        }
    }

    @Test("what is lost in a store is brought back from the other, and the catalog made again from the backup")
    func mending() async throws {
        try await withPipeline { pipeline, server, buckets in
            try await pipeline.expect(0, ["run", "--for", "4s"] + Self.patience)
            try await pipeline.expectProven()
            let before = try await pipeline.rows("SELECT count(*)::VARCHAR AS n FROM lake.raw.quotes")
            let raw = try #require(buckets["raw"])
            let lost = try await raw.objects().keys.sorted().filter { $0.contains("/quotes/") }.prefix(2)
            for key in lost { try await raw.remove(key) }
            try await pipeline.expect(1, ["verify"])
            try await pipeline.expect(0, ["restore"])
            try await pipeline.expect(0, ["verify", "--full"])
            try FileManager.default.removeItem(at: pipeline.data.appending(path: "catalog"))
            #expect(try await pipeline.run(["batch", "--once"]).output.contains("pregao catalog rebuild"))
            try await pipeline.expect(0, ["catalog", "rebuild"])
            try await pipeline.expectProven()
            #expect(try await pipeline.rows("SELECT count(*)::VARCHAR AS n FROM lake.raw.quotes") == before)
            try await pipeline.expect(0, ["sweep", "--grace", "0"])
            try await pipeline.expect(0, ["verify", "--full", "--deep"])
        }
    }

    @Test("without credentials in the settings, those of the environment are used, by DuckDB too")
    func environment() async throws {
        let server = try await S3Server.shared()
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"], priceTypes: ["spot"])) { pipeline in
            let bucket = try await server.bucket()
            try await bucket.spoil([S3Fault.refusingAll(but: Bucket.accessKey)])
            try pipeline.add(settings: Self.settings(server, ["raw": bucket], accessKey: nil))
            let environment = [
                "AWS_ACCESS_KEY_ID": Bucket.accessKey, "AWS_SECRET_ACCESS_KEY": Bucket.secretKey,
                "AWS_REGION": "sa-east-1",
            ]
            try await pipeline.expect(0, ["run", "--for", "3s"], environment: environment)
            try await pipeline.expect(0, ["verify", "--full"], environment: environment)
            #expect(try await !bucket.objects().isEmpty)
        }
    }

    @Test(
        "wrong credentials and a missing bucket end the program at once, by the setting's name",
        arguments: [true, false])
    func misconfigured(areCredentialsWrong: Bool) async throws {
        let server = try await S3Server.shared()
        try await Pipeline.with(Pipeline.Options()) { pipeline in
            let bucket = try await server.bucket()
            try await bucket.spoil([S3Fault.refusingAll(but: Bucket.accessKey)])
            if areCredentialsWrong {
                try pipeline.add(settings: Self.settings(server, ["raw": bucket], accessKey: "AKIAWRONG"))
            } else {
                let text = Self.settings(server, ["raw": bucket]).replacing("s3://", with: "s3://not-")
                try pipeline.add(settings: text)
            }
            let said = try await pipeline.expect(78, ["run"])
            #expect(said.contains("storage.raw.url: look for s3://"))
            #expect(!said.contains(Bucket.secretKey))
        }
    }
}

extension ObjectStorePipelineTests {
    @Test("credentials of Google's that cannot be read end the program at once, by the setting's name")
    func googleCredentials() async throws {
        try await Pipeline.with(Pipeline.Options()) { pipeline in
            try pipeline.add(settings: "storage:\n  backup:\n    url: gs://copies/of-pregao\n")
            let environment = ["GOOGLE_APPLICATION_CREDENTIALS": "/there/is/no/such/file.json"]
            let said = try await pipeline.expect(78, ["run"], environment: environment)
            #expect(said.contains("storage.backup.url: look for gs://copies/of-pregao"))
        }
    }
}

extension Pipeline {
    /// What each process has said.
    fileprivate func outputs() throws -> [String] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter {
            $0.pathExtension == "out"
        }.map { try String(contentsOf: $0, encoding: .utf8) }
    }
}
