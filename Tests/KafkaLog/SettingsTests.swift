import EventLog
import Testing

@testable import KafkaLog

/// What is wrong in the settings is said at once, by its name, without a secret.
struct SettingsTests {
    private func error(_ change: (inout KafkaLogSettings) -> Void) async -> LogError? {
        var settings = KafkaLogSettings(brokers: "127.0.0.1:1")
        settings.requestTimeout = .milliseconds(200)
        change(&settings)
        let wrong = settings
        return await #expect(throws: LogError.self) { _ = try await KafkaEventLog.open(wrong) }
    }

    @Test func `a property that librdkafka has not is named`() async {
        let error = await error { $0.properties["sasl.pasword"] = "tiger" }
        #expect(error?.description.contains("kafka.properties.sasl.pasword") == true)
        #expect(error?.description.contains("tiger") == false)
    }

    @Test func `a value that is not valid is not shown`() async {
        let error = await error { $0.properties["security.protocol"] = "tiger" }
        #expect(error?.description.contains("kafka.properties.security.protocol") == true)
        #expect(error?.description.contains("tiger") == false)
    }

    @Test(arguments: ["isolation.level", "enable.auto.commit", "transactional.id", "partitioner"])
    func `what the log's promises rest on is not the user's to set`(_ name: String) async {
        let error = await error { $0.properties[name] = "true" }
        #expect(error?.description.contains("kafka.properties.\(name)") == true)
    }

    @Test func `properties that do not go together are refused`() async {
        let error = await error {
            $0.properties["security.protocol"] = "sasl_plaintext"
            $0.properties["sasl.mechanisms"] = "SCRAM-SHA-256"
        }
        #expect(error?.kind == .other)
    }

    @Test func `an epoch that is not eight letters or digits is refused`() async {
        #expect(await error { $0.epoch = "Short" }?.description.contains("log.epoch") == true)
    }

    @Test func `a broker that does not answer is busy`() async {
        #expect(await error { _ in }?.kind == .busy)
    }

    @Test func `a cluster has one epoch, another cluster another`() {
        let one = Epoch.of(clusterID: "q77t9pDg2X_Tv_3l9OpDzg")
        #expect(one == Epoch.of(clusterID: "q77t9pDg2X_Tv_3l9OpDzg"))
        #expect(one != Epoch.of(clusterID: "q77t9pDg2X_Tv_3l9OpDzh"))
        #expect(one.wholeMatch(of: /[a-z0-9]{8}/) != nil)
    }
}
