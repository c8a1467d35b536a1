import EventLog
import Foundation
import MarketData
import Testing

/// What another program reads from the topics is what docs/schemas/ says, by the word of a validator that knows nothing
/// of us.
@Suite("Messages and their schemas", .timeLimit(.minutes(5)))
struct MessageSchemaTests {
    /// The package jsonschema; it prints the lines of its input that the schema does not allow, and how many there
    /// were.
    private static let validator = """
        import json, sys, jsonschema
        schema = json.load(open(sys.argv[1]))
        validator = jsonschema.validators.validator_for(schema)
        validator.check_schema(schema)
        lines = sys.stdin.read().splitlines()
        for line in lines:
            for error in validator(schema).iter_errors(json.loads(line)):
                print(f"{list(error.path)}: {error.message}: {line[:300]}")
        print(len(lines), "messages")
        """

    private static let schemas = [
        "pregao.quotes": "quotes", "pregao.gaps": "gaps", "pregao.bars": "bars", "pregao.runs": "runs",
        "pregao.objects": "object-created", "pregao.dead-letters": "dead-letter",
        "pregao.tasks.coinbase-candles": "task", "pregao.poll-slots": "poll-slots", "pregao.replays": "replays",
    ]

    /// What the validator says to these lines.
    private static func verdict(_ lines: String, schema: String) async throws -> String {
        let prompt = try Prompt()
        try prompt.write(lines, to: "lines")
        let file = BuiltProgram.package.appending(path: "docs/schemas/\(schema).schema.json").path
        let answer = try await prompt.bash(
            "PYTHONPATH=\"$3\" python3 -c \"$1\" \"$2\" < lines", [validator, file, BuiltProgram.pythonPackages])
        #expect(answer.code == 0, "\(answer.complaints)")
        return answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("every topic's messages are as its schema says, and every topic has one")
    func messages() async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD", "NONE-USD"])) { pipeline in
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
            try await pipeline.expect(
                0,
                [
                    "backfill", "--feed", "coinbase-candles", "--symbol", "BTC-USD", "--from", "2026-11-01T00:00:00Z",
                    "--to", "2026-11-01T06:00:00Z", "--interval", "1m",
                ])
            try await pipeline.kill("run")
            try pipeline.start("again", ["run"])
            try await pipeline.answers(10, whileAlive: ["again"])
            try await pipeline.finish("again")
            try await pipeline.finishBacklog()
            try await pipeline.expect(0, ["dead-letters", "replay", "--all"])

            #expect(Set(try await log.topics().map(\.name)) == Set(Self.schemas.keys))
            await log.close()
            for (topic, schema) in Self.schemas {
                let lines = try await pipeline.expect(0, ["log", "read", topic, "--count", "10000"])
                    .split(separator: "\n").filter { $0 != strange }
                #expect(!lines.isEmpty, "\(topic)")
                let verdict = try await Self.verdict(lines.joined(separator: "\n"), schema: schema)
                #expect(verdict == "\(lines.count) messages", "\(topic)")
            }
        }
    }

    @Test("the object-created message that the page shows is as its schema says")
    func documented() async throws {
        let page = try String(
            contentsOf: BuiltProgram.package.appending(path: "docs/raw-objects.md"), encoding: .utf8)
        let example = try #require(page.firstMatch(of: /```json\n((?s).*?)```/)?.1)
        let line = example.split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
        #expect(try await Self.verdict(line, schema: "object-created") == "1 messages")
    }

    @Test("a message of another form is not as the schema says", arguments: schemas.values.sorted())
    func others(schema: String) async throws {
        let verdict = try await Self.verdict(#"{"version":"1","topic":7}"#, schema: schema)
        #expect(verdict.split(separator: "\n").count > 1 && verdict.hasSuffix("1 messages"))
    }
}
