import Foundation
import Lake
import ObjectStoreTesting
import Testing

/// Holds messages to docs/schemas/, by the word of a validator that knows nothing of us.
enum SchemaValidator {
    /// The package jsonschema; it prints the lines of its input that the schema does not allow, and how many there
    /// were.
    private static let program = """
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

    /// The schemas by topic, for every topic that a pipeline of Coinbase's feeds has.
    static let schemas = [
        "pregao.quotes": "quotes", "pregao.gaps": "gaps", "pregao.bars": "bars", "pregao.runs": "runs",
        "pregao.objects": "object-created", "pregao.dead-letters": "dead-letter",
        "pregao.tasks.coinbase-candles": "task", "pregao.poll-slots": "poll-slots", "pregao.replays": "replays",
    ]

    /// What the validator says to these lines.
    static func verdict(_ lines: String, schema: String) async throws -> String {
        let prompt = try Prompt()
        try prompt.write(lines, to: "lines")
        let file = BuiltProgram.package.appending(path: "docs/schemas/\(schema).schema.json").path
        let answer = try await prompt.bash(
            "PYTHONPATH=\"$3\" python3 -c \"$1\" \"$2\" < lines", [program, file, BuiltProgram.pythonPackages])
        #expect(answer.code == 0, "\(answer.complaints)")
        return answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Expects some messages of the topic, and all of them as its schema says.
    static func expectValid(_ lines: [some StringProtocol], of topic: String) async throws {
        let schema = try #require(schemas[topic], "\(topic) has no schema")
        #expect(!lines.isEmpty, "\(topic)")
        let verdict = try await verdict(lines.joined(separator: "\n"), schema: schema)
        #expect(verdict == "\(lines.count) messages", "\(topic)")
    }
}

/// Reads object-created messages with code written for S3's events: Tests/Consumers/s3_events.py.
enum S3EventReader {
    /// An object that the code found.
    struct Found: Decodable, Hashable {
        let bucket: String
        let key: String
        let size: Int64
        let eTag: String
        let sequencer: Int64
        let sha256: String
    }

    /// - Parameter place: a folder that stands for the bucket, or a server's URL.
    static func open(_ events: [some StringProtocol], at place: String) async throws -> Prompt.Answer {
        let prompt = try Prompt()
        try prompt.write(events.map { $0 + "\n" }.joined(), to: "events")
        let reader = BuiltProgram.package.appending(path: "Tests/Consumers/s3_events.py").path
        return try await prompt.bash(
            "PYTHONPATH=\"$3\" python3 \"$1\" \"$2\" < events", [reader, place, BuiltProgram.pythonPackages],
            environment: [
                "AWS_ACCESS_KEY_ID": Bucket.accessKey, "AWS_SECRET_ACCESS_KEY": Bucket.secretKey,
                "AWS_DEFAULT_REGION": "us-east-1",
            ])
    }

    /// Expects the code to find every object that the messages announce, with the bytes announced.
    static func expectFound(_ events: [some StringProtocol], at place: String) async throws {
        #expect(!events.isEmpty)
        let answer = try await open(events, at: place)
        #expect(answer.code == 0, "\(answer.complaints)")
        let found = try answer.output.split(separator: "\n").map {
            try JSONDecoder().decode(Found.self, from: Data($0.utf8))
        }
        let announced = try events.flatMap { try Announcement.parse(Array($0.utf8)) }.map { announcement in
            Found(
                bucket: announcement.bucket, key: announcement.keyPrefix + announcement.key, size: announcement.size,
                eTag: String(announcement.sha256.prefix(32)), sequencer: announcement.end, sha256: announcement.sha256)
        }
        #expect(found.count == announced.count)
        for (found, announced) in zip(found, announced) { #expect(found == announced) }
    }
}
