import EventLog
import Foundation
import Lake
import MarketData
import ObjectStoreTesting
import Testing

/// What another program reads from the topics is what docs/schemas/ says, by the word of a validator that knows nothing
/// of us.
@Suite("Messages and their schemas", .timeLimit(.minutes(5)))
struct MessageSchemaTests {
    @Test("every topic's messages are as its schema says, and every topic has one")
    func messages() async throws {
        try await Pipeline.with(.everyTopic) { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(10, whileAlive: ["run"])
            let log = try await pipeline.openLog()
            let strange = "<html>"
            _ = try await log.append([
                OutgoingMessage(
                    topic: Datasets.quotes.topic, key: Array("HAND-USD".utf8), value: Array(strange.utf8),
                    headers: [Header(name: "by", value: Array("hand".utf8))])
            ])
            try await pipeline.answers(10, whileAlive: ["run"])
            try await pipeline.backfillSomeBars()
            try await pipeline.kill("run")
            try pipeline.start("again", ["run"])
            try await pipeline.answers(10, whileAlive: ["again"])
            try await pipeline.finish("again")
            try await pipeline.finishBacklog()
            try await pipeline.expect(0, ["dead-letters", "replay", "--all"])

            #expect(Set(try await log.topics().map(\.name)) == Set(SchemaValidator.schemas.keys))
            await log.close()
            for topic in SchemaValidator.schemas.keys {
                let lines = try await pipeline.expect(0, ["log", "read", topic, "--count", "10000"])
                    .split(separator: "\n").filter { $0 != strange }
                try await SchemaValidator.expectValid(lines, of: topic)
            }
        }
    }

    @Test("code written for S3's events finds every object that is announced")
    func events() async throws {
        try await Pipeline.with(Pipeline.Options()) { pipeline in
            try await pipeline.expect(0, ["run", "--for", "3s"])
            let events = try await pipeline.expect(0, ["log", "read", "pregao.objects", "--count", "10000"])
                .split(separator: "\n")
            try await S3EventReader.expectFound(events, at: pipeline.lake.path)

            // It would say so if one were not what was announced.
            let name = try #require(try Announcement.parse(Array((events.first ?? "").utf8)).first?.key)
            let file = pipeline.lake.appending(path: name)
            try Data("PAR1".utf8).write(to: file)
            #expect(try await S3EventReader.open(events, at: pipeline.lake.path).code != 0)
            try FileManager.default.removeItem(at: file)
            #expect(try await S3EventReader.open(events, at: pipeline.lake.path).code != 0)
        }
    }

    @Test("it finds them in S3 itself too, below a prefix")
    func eventsOfS3() async throws {
        let server = try await S3Server.shared()
        let bucket = try await server.bucket()
        let store = [
            "url=s3://\(bucket.name)/market/data", "endpoint=\(server.endpoint)", "region=us-east-1",
            "access-key=\(Bucket.accessKey)", "secret-key=\(Bucket.secretKey)",
        ]
        try await Pipeline.with(Pipeline.Options()) { pipeline in
            try await pipeline.expect(0, ["run", "--for", "3s"] + store.flatMap { ["--set", "storage.raw.\($0)"] })
            let events = try await pipeline.expect(0, ["log", "read", "pregao.objects", "--count", "10000"])
                .split(separator: "\n")
            try await S3EventReader.expectFound(events, at: server.endpoint)
        }
    }

    @Test("the object-created message that the page shows is as its schema says")
    func documented() async throws {
        let page = try String(
            contentsOf: BuiltProgram.package.appending(path: "docs/raw-objects.md"), encoding: .utf8)
        let example = try #require(page.firstMatch(of: /```json\n({\s*"Records"(?s).*?)```/)?.1)
        let line = example.split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
        #expect(try await SchemaValidator.verdict(line, schema: "object-created") == "1 messages")
    }

    @Test("a message of another form is not as the schema says", arguments: SchemaValidator.schemas.values.sorted())
    func others(schema: String) async throws {
        let verdict = try await SchemaValidator.verdict(#"{"version":"1","topic":7}"#, schema: schema)
        #expect(verdict.split(separator: "\n").count > 1 && verdict.hasSuffix("1 messages"))
    }
}
