import Foundation
import KafkaTesting
import Testing

private let testBroker = ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA"]

/// The whole program on a real Kafka broker, where the tests were given one.
@Suite("On Kafka", .serialized, .timeLimit(.minutes(5)), .enabled(if: testBroker != nil))
struct KafkaPipelineTests {
    private func withPipeline(_ body: (Pipeline, [String]) async throws -> Void) async throws {
        let broker = try #require(testBroker)
        let administrator = try #require(Administrator(brokers: broker))
        // Never to mix with, and then to delete, what somebody collected.
        try #require(
            administrator.topics(startingWith: "pregao.").isEmpty,
            "the broker has topics named pregao.*; give the tests one that has none")
        defer {
            administrator.deleteTopics(startingWith: "pregao.")
            administrator.deleteGroups(["pregao.flusher", "pregao.archiver", "pregao.poller"])
        }
        try await Pipeline.with(Pipeline.Options(lease: "6s")) { pipeline in
            try await body(pipeline, ["--set", "log.kind=kafka", "--set", "kafka.brokers=\(broker)"])
        }
    }

    @Test("what was collected is proven, object by object and message by message")
    func proven() async throws {
        try await withPipeline { pipeline, kafka in
            try await pipeline.expect(0, ["run", "--for", "6s"] + kafka)
            try await pipeline.expect(0, ["flush", "--for", "2s"] + kafka)
            try await pipeline.expect(0, ["archive", "--for", "2s"] + kafka)
            try await pipeline.expect(0, ["batch", "--once"] + kafka)
            try await pipeline.expect(0, ["verify", "--full", "--deep"] + kafka)
            let rows = try await pipeline.rows("SELECT count(*)::VARCHAR AS n FROM lake.raw.quotes")
            #expect((rows.first?["n"]).flatMap { Int($0) } ?? 0 > 50)
        }
    }
}
