import EventLog
import Foundation
import KafkaTesting
import Testing

@testable import KafkaLog

/// What kafka.properties open a secured cluster, and what is said of those that do not.
@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: TestBroker.tool != nil))
struct SecurityTests {
    private static func credentials(_ mechanism: String, password: String = SecuredBroker.password) -> [String: String]
    {
        [
            "security.protocol": "sasl_plaintext", "sasl.mechanisms": mechanism, "sasl.username": "alice",
            "sasl.password": password,
        ]
    }

    private static let token = [
        "security.protocol": "sasl_plaintext", "sasl.mechanisms": "OAUTHBEARER",
        "enable.sasl.oauthbearer.unsecure.jwt": "true", "sasl.oauthbearer.config": "principal=alice",
    ]

    private func open(_ address: String, _ properties: [String: String]) async throws -> KafkaEventLog {
        var settings = KafkaLogSettings(brokers: address)
        settings.properties = properties
        // What is refused is to be told long before a broker that does not answer would be.
        settings.requestTimeout = .seconds(600)
        return try await KafkaEventLog.open(settings)
    }

    private func refusal(_ address: String, _ properties: [String: String]) async -> LogError? {
        await #expect(throws: LogError.self) { _ = try await open(address, properties) }
    }

    @Test func `a log is used with PLAIN, OAUTHBEARER, TLS, and SCRAM where librdkafka can`() async throws {
        let secured = try await SecuredBroker.start()
        var ways: [(String, [String: String])] = [
            (secured.sasl, Self.credentials("PLAIN")), (secured.sasl, Self.token),
            (secured.tls, ["security.protocol": "ssl", "ssl.ca.location": secured.authority.path]),
        ]
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            if let words = KafkaFault.ofOldSCRAM {
                let error = await refusal(secured.sasl, Self.credentials(mechanism))
                #expect(error?.cause.contains(words) == true)
            } else {
                ways.append((secured.sasl, Self.credentials(mechanism)))
            }
        }
        for (number, (address, properties)) in ways.enumerated() {
            let log = try await open(address, properties)
            try await log.declare(
                TopicDeclaration(name: "numbers", partitions: 1, retention: Retention(.delete(age: nil, bytes: nil))))
            let stored = try await log.append([OutgoingMessage(topic: "numbers", key: nil, value: [UInt8(number)])])
            let consumer = try await log.join(group: "readers-\(number)", instance: "a", topics: ["numbers"])
            try await consumer.untilAssigned()
            let source = TopicPartition(topic: "numbers", partition: 0)
            let end = try #require(stored.first?.offset)
            _ = try await consumer.commit(
                CommitBatch(advances: [.init(partition: source, start: 0, end: end)], appends: []))
            let positions = try await log.committed(group: "readers-\(number)")
            #expect(positions == [source: end], "\(properties["sasl.mechanisms"] ?? "TLS")")
            await log.close()
        }
        await secured.remove()
    }

    @Test func `wrong credentials are an error at once that names the settings and no secret`() async throws {
        let secured = try await SecuredBroker.start()
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let error = await refusal(secured.sasl, Self.credentials(mechanism, password: "looking-glass"))
            #expect(error?.kind == .other, "\(mechanism)")
            #expect(error?.cause.contains("sasl.*") == true, "\(mechanism)")
            #expect(error?.description.contains("looking-glass") == false, "\(mechanism)")
        }
        let unknown = await refusal(secured.tls, ["security.protocol": "ssl"])
        #expect(unknown?.kind == .other)
        #expect(unknown?.cause.contains("ssl.*") == true)
        // Neither side of the other three hears from the other what is wrong.
        for (address, properties) in [
            (secured.sasl, [:]), (secured.tls, [:]), (secured.broker.address, Self.credentials("PLAIN")),
        ] as [(String, [String: String])] {
            var settings = KafkaLogSettings(brokers: address)
            settings.properties = properties
            settings.requestTimeout = .seconds(5)
            let impatient = settings
            let error = await #expect(throws: LogError.self) { _ = try await KafkaEventLog.open(impatient) }
            #expect(error?.cause.contains("security.protocol") == true, "\(address) \(properties.keys)")
        }
        await secured.remove()
    }
}
