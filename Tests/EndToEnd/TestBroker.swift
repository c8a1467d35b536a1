import Foundation
import KafkaTesting
import Testing

/// The real Kafka broker that the tests were given, if any.
enum TestBroker {
    static let address = ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA"]

    /// Runs a test on topics of its own, which go when it ends: one such test at a time.
    static func withTopics<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let broker = try #require(address)
        let administrator = try #require(Administrator(brokers: broker))
        // Never to mix with, and then to delete, what somebody collected.
        try #require(
            administrator.topics(startingWith: "pregao.").isEmpty,
            "the broker has topics named pregao.*; give the tests one that has none")
        defer {
            administrator.deleteTopics(startingWith: "pregao.")
            administrator.deleteGroups([
                "pregao.flusher", "pregao.archiver", "pregao.poller",
                // Those of docs/consuming-kafka.md.
                "my-prices", "my-averages",
            ])
        }
        return try await body(broker)
    }

    /// Runs a test with a pipeline and the options that put its log on the broker.
    static func withPipeline(
        _ options: Pipeline.Options = Pipeline.Options(), _ body: (Pipeline, [String]) async throws -> Void
    ) async throws {
        var options = options
        // Shorter than a broker lets a member be away.
        options.lease = "6s"
        try await withTopics { broker in
            try await Pipeline.with(options) { pipeline in
                try await body(pipeline, ["--set", "log.kind=kafka", "--set", "kafka.brokers=\(broker)"])
            }
        }
    }
}
