import Foundation
import KafkaTesting
import Testing

/// A cluster that the built program's topics may be made on.
struct KafkaCluster {
    /// The broker that all tests share, of PREGAO_TEST_KAFKA.
    static let given = ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA"]

    let address: String
    /// Where it is the test's own, to be killed.
    let broker: TestBroker?

    /// A broker of the test's own where one can be started, else the one that is given.
    static func ofItsOwn() async throws -> KafkaCluster {
        guard TestBroker.tool != nil else { return try shared() }
        let broker = try await TestBroker.start()
        return KafkaCluster(address: broker.address, broker: broker)
    }

    static func shared() throws -> KafkaCluster { KafkaCluster(address: try #require(given), broker: nil) }

    /// Runs a test on a pipeline whose log is here.
    func with(_ options: Pipeline.Options, _ body: (Pipeline) async throws -> Void) async throws {
        var options = options
        options.kafka = address
        // The shortest that brokers take by default.
        options.lease = "6s"
        try await withTopics { _ in try await Pipeline.with(options, body) }
    }

    /// Runs a test, and removes its topics and groups.
    func withTopics(_ body: (_ address: String) async throws -> Void) async throws {
        let administrator = try #require(Administrator(brokers: address))
        // Never to mix with, and then to delete, what somebody collected.
        try #require(
            administrator.topics(startingWith: "pregao.").isEmpty,
            "the broker has topics named pregao.*; give the tests one that has none")
        do { try await body(address) } catch {
            await remove(administrator)
            throw error
        }
        await remove(administrator)
    }

    private func remove(_ administrator: Administrator) async {
        if let broker { return await broker.remove() }
        administrator.deleteTopics(startingWith: "pregao.")
        administrator.deleteGroups([
            "pregao.flusher", "pregao.archiver", "pregao.poller",
            // Those of docs/consuming-kafka.md.
            "my-prices", "my-averages",
        ])
    }
}
