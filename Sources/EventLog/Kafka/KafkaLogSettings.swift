/// A setting that cannot be, and why.
public struct KafkaLogSettingsFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// As the program's settings name it: `log.epoch`, `kafka.properties.acks`.
    public let setting: String
    /// Never the value of a property, which may be a secret.
    public let problem: String

    public var description: String { "\(setting): \(problem)" }
}

/// Where a Kafka cluster is, and how the log uses it.
public struct KafkaLogSettings: Sendable {
    /// `host:port`, more of them apart by commas.
    public var brokers: String
    /// Any of librdkafka's properties, by its name: TLS, SASL, sizes, times. What the log's promises rest on is refused.
    public var properties: [String: String] = [:]
    /// On how many brokers each partition of a topic that the log makes is kept.
    public var replication: Int16 = 1
    /// Eight of a–z and 0–9 in place of the id made from the cluster's: for topics that were deleted and made anew.
    public var epoch: String?
    /// Whether members are static (`group.instance.id`): an instance that starts anew within ``sessionTimeout`` takes
    /// its partitions over at once, but those of one that leaves stay with it until ``sessionTimeout`` has passed.
    public var hasStaticMembers = false
    /// How long a member keeps its partitions without a heartbeat.
    public var sessionTimeout: Duration = .seconds(10)
    /// How long a transaction may be open; then the cluster aborts it, so that a frozen process holds readers no longer.
    public var transactionTimeout: Duration = .seconds(10)
    /// How long a request is tried before it fails as ``LogError/Kind/busy``.
    public var requestTimeout: Duration = .seconds(30)
    /// The most that a message's key, value and headers may have together, in bytes.
    public var maximumMessageBytes = 1 << 20
    /// About the most that one ``ConsumerEvent/records(_:)`` brings, in bytes; of messages it brings at most as many as
    /// ``RecordBatch/maximumRecords(ofBytes:)`` says.
    public var fetchBytes = 1 << 20
    /// The most that a member reads ahead in each of its partitions, in bytes; a fetch under way may add one of its own.
    public var readAheadBytes = 1 << 20
    /// What librdkafka has to say: syslog's severity, and its words. Nothing of it is secret.
    public var report: (@Sendable (_ severity: Int, _ words: String) -> Void)?

    public init(brokers: String) { self.brokers = brokers }

    /// About the most that a member takes in memory for what it reads ahead in so many partitions: the messages, a fetch
    /// under way, what librdkafka takes beside each message, the batch that waits to be told, and what lies idle between.
    public func memoryBytes(partitions: Int) -> Int { partitions * 10 * readAheadBytes }

    /// What shows without a cluster to be wrong.
    public var faults: [KafkaLogSettingsFault] {
        var faults: [KafkaLogSettingsFault] = []
        if let epoch, epoch.wholeMatch(of: /[a-z0-9]{8}/) == nil {
            faults.append(KafkaLogSettingsFault(setting: "log.epoch", problem: "\(epoch) is not eight of a-z and 0-9"))
        }
        do throws(KafkaFault) { try ClientProperties.observer(self).check() } catch {
            faults.append(
                error.setting ?? KafkaLogSettingsFault(setting: "kafka.properties", problem: error.cause))
        }
        return faults
    }
}
