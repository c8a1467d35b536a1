import EventLog
import Foundation
import KafkaLog
import KafkaTesting
import Testing

extension EventLogKind {
    /// The broker of PREGAO_TEST_KAFKA, where there is one.
    static let broker: [EventLogKind] = {
        guard let address = ProcessInfo.processInfo.environment["PREGAO_TEST_KAFKA"] else { return [] }
        let most: Set<Ability> = [.declaring, .positions, .removal, .loss]
        return [
            EventLogKind(description: "Kafka", abilities: most.union([.leavingAtOnce, .rebalancingAlways])) {
                KafkaLogUnderTest(brokers: address, hasStaticMembers: false)
            },
            EventLogKind(description: "Kafka with static members", abilities: most.union([.takingOverAtOnce])) {
                KafkaLogUnderTest(brokers: address, hasStaticMembers: true)
            },
        ]
    }()
}

/// Topics and groups of one test's own on a broker that all tests share.
struct KafkaLogUnderTest: EventLogUnderTest {
    private let settings: KafkaLogSettings
    private let prefix: String

    init(brokers: String, hasStaticMembers: Bool) {
        let random = (0..<8).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement() ?? "a" }
        var settings = KafkaLogSettings(brokers: brokers)
        settings.hasStaticMembers = hasStaticMembers
        // The least that brokers allow by default.
        settings.sessionTimeout = .seconds(6)
        // Members hear of a rebalance with a heartbeat.
        settings.properties["heartbeat.interval.ms"] = "100"
        settings.epoch = String(random)
        self.settings = settings
        prefix = "test-\(String(random))."
    }

    func open() async throws -> any EventLog {
        NamespacedLog(whole: try await KafkaEventLog.open(settings), prefix: prefix)
    }

    func removeMessages(of topic: String, in log: any EventLog) async throws {
        let marks = try await log.watermarks(of: topic)
        let administrator = try #require(Administrator(brokers: settings.brokers))
        try administrator.deleteRecords(
            before: Dictionary(
                uniqueKeysWithValues: marks.map {
                    (TopicPartition(topic: prefix + $0.key.topic, partition: $0.key.partition), $0.value.end)
                }))
    }

    /// On a thread that may block: the tests' own are few.
    func remove() async {
        let (brokers, prefix) = (settings.brokers, prefix)
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                Administrator(brokers: brokers)?.deleteTopics(startingWith: prefix)
                continuation.resume()
            }
        }
    }
}
