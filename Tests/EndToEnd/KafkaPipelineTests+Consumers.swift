import Foundation
import Testing

/// What clients that are none of ours read from the broker.
extension KafkaPipelineTests {
    @Test("kcat reads every topic's messages as its schema says, and S3's readers the objects announced")
    func consumedByOthers() async throws {
        try await KafkaCluster.shared().with(.everyTopic) { pipeline in
            let strange = "<html>"
            try pipeline.start("run", ["run"])
            try await pipeline.answers(10, whileAlive: ["run"])
            try await Self.kcat("-P -t pregao.quotes -k HAND-USD -H by=hand", input: strange)
            try await pipeline.backfillSomeBars()
            // While nobody polls there is a gap.
            try await pipeline.finish("run")
            try pipeline.start("again", ["run"])
            try await pipeline.answers(10, whileAlive: ["again"])
            try await pipeline.finish("again")
            try await pipeline.expect(0, ["flush", "--for", "2s"])
            try await pipeline.expect(0, ["dead-letters", "replay", "--all"])

            let topics = try await Self.kcat("-L").matches(of: /topic "(pregao\.[^"]+)"/).map { String($0.1) }
            #expect(Set(topics) == Set(SchemaValidator.schemas.keys))
            for topic in topics {
                let lines = try await Self.kcat("-C -t \(topic) -e -q").split(separator: "\n").filter { $0 != strange }
                try await SchemaValidator.expectValid(lines, of: topic)
                guard topic == "pregao.objects" else { continue }
                try await S3EventReader.expectFound(lines, at: pipeline.lake.path)
            }
        }
    }

    @Test("what the page on Kafka's consumers says to type works as it stands")
    func page() async throws {
        let page = "docs/consuming-kafka.md"
        try await KafkaCluster.shared().withTopics { broker in
            let prompt = try Prompt()
            let port = try await ReadmeTests.freePort()
            let there = { (text: String) in
                text.replacing("localhost:9092", with: broker).replacing("8643", with: "\(port)")
            }
            let script = try ReadmeTests.lines(of: page).joined(separator: "\n")
            let typed = try await prompt.bash(
                "trap 'kill $(jobs -p) 2> kill.txt || true' EXIT\n" + there(script),
                environment: ["PREGAO_CONSOLE_PORT": "0"])
            #expect(typed.code == 0, "\(typed.output)\n\(typed.complaints)")

            let program = try ReadmeTests.lines(of: page, in: "python").joined(separator: "\n")
            try prompt.write(there(program), to: "quotes.py")
            let run = try await prompt.bash(
                "PYTHONPATH=\"$1\" python3 quotes.py", [BuiltProgram.pythonPackages])
            #expect(run.code == 0, "\(run.complaints)")
            #expect(run.output.split(separator: "\n").allSatisfy { $0.split(separator: " ").count == 5 })
            let quotes = try await Self.kcat("-C -t pregao.quotes -e -q").split(separator: "\n")
            #expect(run.output.split(separator: "\n").count == quotes.count && !quotes.isEmpty)
        }
    }

    /// What kcat says to these options.
    @discardableResult
    private static func kcat(_ options: String, input: String = "") async throws -> String {
        let prompt = try Prompt()
        try prompt.write(input, to: "input")
        let answer = try await prompt.bash("kcat -b \"$1\" \(options) < input", [try #require(KafkaCluster.given)])
        try #require(answer.code == 0, "\(answer.complaints)")
        return answer.output
    }
}
