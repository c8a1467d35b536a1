import Foundation
import Testing

/// The whole program on a real Kafka broker, where the tests were given one.
@Suite("On Kafka", .serialized, .timeLimit(.minutes(5)), .enabled(if: KafkaCluster.given != nil))
struct KafkaPipelineTests {
    @Test("what was collected is proven, object by object and message by message")
    func proven() async throws {
        try await KafkaCluster.shared().with(Pipeline.Options()) { pipeline in
            try await pipeline.expect(0, ["run", "--for", "6s"])
            try await pipeline.expect(0, ["flush", "--for", "2s"])
            try await pipeline.expect(0, ["archive", "--for", "2s"])
            try await pipeline.expect(0, ["batch", "--once"])
            try await pipeline.expect(0, ["verify", "--full", "--deep"])
            let rows = try await pipeline.rows("SELECT count(*)::VARCHAR AS n FROM lake.raw.quotes")
            #expect((rows.first?["n"]).flatMap { Int($0) } ?? 0 > 50)
        }
    }
}
