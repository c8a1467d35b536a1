import EventLog
import KafkaTesting
import Testing

@testable import KafkaLog

/// Runs a test on a mock cluster with the topics numbers and others, of a partition each.
func withLog(brokers: Int32 = 1, _ body: (MockCluster, KafkaEventLog) async throws -> Void) async throws {
    let cluster = try #require(MockCluster(brokers: brokers))
    cluster.makeTopic("numbers", partitions: 1)
    cluster.makeTopic("others", partitions: 1)
    var settings = KafkaLogSettings(brokers: cluster.brokers)
    settings.properties["heartbeat.interval.ms"] = "100"
    let log = try await KafkaEventLog.open(settings)
    try await body(cluster, log)
    await log.close()
}

extension GroupConsumer {
    /// Takes events until one is an assignment; its time limit ends a test that waits in vain.
    func untilAssigned() async throws {
        while true {
            try Task.checkCancellation()
            if case .assigned? = try await next(waitingAtMost: .seconds(30)) { return }
        }
    }
}
