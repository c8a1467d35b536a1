import CRdKafka
import EventLog

/// librdkafka's properties for one client: the log's own, then the user's, then what the log's promises rest on.
struct ClientProperties {
    private var own: [String: String]
    private let users: [String: String]
    private var fixed: [String: String]

    private init(_ settings: KafkaLogSettings, own: [String: String] = [:], fixed: [String: String]) throws(KafkaFault)
    {
        self.own = ["client.id": "pregao", "reconnect.backoff.max.ms": "1000", "log.connection.close": "false"]
        self.own.merge(own) { $1 }
        users = settings.properties
        self.fixed = fixed
        self.fixed["bootstrap.servers"] = settings.brokers
        if let name = settings.properties.keys.sorted().first(where: Self.reserved.contains) {
            throw Self.fault(name, "is set by Pregão alone, since its promises rest on it")
        }
    }

    static let reserved: Set<String> = [
        "client.id", "bootstrap.servers", "metadata.broker.list", "group.id", "group.instance.id", "transactional.id",
        "transaction.timeout.ms", "enable.idempotence", "acks", "request.required.acks", "partitioner",
        "isolation.level", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
        "partition.assignment.strategy", "enable.partition.eof", "session.timeout.ms", "allow.auto.create.topics",
        "group.protocol.type", "queued.max.messages.kbytes", "queued.min.messages",
        "message.max.bytes",
    ]

    /// For looking: topics, positions, reads without a group.
    static func observer(_ settings: KafkaLogSettings) throws(KafkaFault) -> ClientProperties {
        try ClientProperties(settings, own: reading(settings), fixed: readingFixed(settings))
    }

    /// For the positions of a group that this client is no member of.
    static func positions(_ settings: KafkaLogSettings, group: String) throws(KafkaFault) -> ClientProperties {
        var fixed = readingFixed(settings)
        fixed["group.id"] = group
        return try ClientProperties(settings, fixed: fixed)
    }

    static func member(_ settings: KafkaLogSettings, group: String, instance: String) throws(KafkaFault)
        -> ClientProperties
    {
        var own = reading(settings)
        own["heartbeat.interval.ms"] = String(settings.sessionTimeout.inMilliseconds / 5)
        var fixed = readingFixed(settings)
        fixed["group.id"] = group
        if settings.hasStaticMembers { fixed["group.instance.id"] = instance }
        // Partitions that a topic has grown are read from then on.
        own["topic.metadata.refresh.interval.ms"] = "30000"
        // By this a member is found in the group again.
        fixed["client.id"] = instance
        fixed["partition.assignment.strategy"] = "cooperative-sticky"
        fixed["session.timeout.ms"] = String(settings.sessionTimeout.inMilliseconds)
        return try ClientProperties(settings, own: own, fixed: fixed)
    }

    static func producer(_ settings: KafkaLogSettings, transactionalID: String) throws(KafkaFault)
        -> ClientProperties
    {
        try ClientProperties(
            settings,
            own: [
                "compression.codec": "zstd", "client.id": transactionalID,
                // A transaction that follows at once on another is refused until the cluster has ended that one, which
                // takes a few milliseconds; the standard is to ask again after 100.
                "retry.backoff.ms": "10",
            ],
            fixed: [
                "transactional.id": transactionalID,
                "transaction.timeout.ms": String(settings.transactionTimeout.inMilliseconds),
                "enable.idempotence": "true", "acks": "all", "partitioner": "murmur2_random",
                // The record's own fields come on top of what a message weighs.
                "message.max.bytes": String(settings.maximumMessageBytes + envelopeBytes),
            ])
    }

    /// What a record and its batch may add to a message's key, value and headers.
    static let envelopeBytes = 64 << 10

    private static func reading(_ settings: KafkaLogSettings) -> [String: String] {
        // A shorter wait at the end of a partition tells sooner of an end that lies past a transaction's marker.
        [
            "fetch.wait.max.ms": "100", "socket.timeout.ms": "10000",
            // As the cluster keeps messages, which is compressed: they may come to ten times that. Of a partition, and of
            // all that a broker has.
            "fetch.message.max.bytes": String(128 << 10), "fetch.max.bytes": String(1 << 20),
        ]
    }

    private static func readingFixed(_ settings: KafkaLogSettings) -> [String: String] {
        [
            "isolation.level": "read_committed", "enable.auto.commit": "false", "enable.auto.offset.store": "false",
            "auto.offset.reset": "error", "enable.partition.eof": "true", "allow.auto.create.topics": "false",
            "queued.max.messages.kbytes": String(max(1, settings.readAheadBytes >> 10)),
            // However short it is, librdkafka takes some 400 bytes beside each.
            "queued.min.messages": String(max(16, settings.readAheadBytes / 256)),
        ]
    }

    /// Set where librdkafka knows it: 2.2 and newer wait a second by default once a queue was full, which stalls a fast
    /// consumer; older ones cannot be told.
    private static let ofLaterVersions = ["fetch.queue.backoff.ms": "10"]

    /// A configuration of librdkafka's, owned by the caller.
    func configuration() throws(KafkaFault) -> OpaquePointer {
        guard let configuration = rd_kafka_conf_new() else { throw KafkaFault(.other, "no memory is left") }
        for (name, value) in own where users[name] == nil { try set(name, value, in: configuration) }
        for (name, value) in Self.ofLaterVersions where users[name] == nil {
            rd_kafka_conf_set(configuration, name, value, nil, 0)
        }
        for (name, value) in users { try set(name, value, in: configuration) }
        for (name, value) in fixed { try set(name, value, in: configuration) }
        return configuration
    }

    /// - Throws: where librdkafka does not take one of them.
    func check() throws(KafkaFault) { rd_kafka_conf_destroy(try configuration()) }

    private func set(_ name: String, _ value: String, in configuration: OpaquePointer) throws(KafkaFault) {
        var words = [CChar](repeating: 0, count: 512)
        let result = rd_kafka_conf_set(configuration, name, value, &words, words.count)
        guard result != RD_KAFKA_CONF_OK else { return }
        rd_kafka_conf_destroy(configuration)
        // librdkafka's words may quote the value, which may be a secret.
        let reason = result == RD_KAFKA_CONF_UNKNOWN ? "librdkafka has no such property" : "its value is not valid"
        guard users[name] != nil else { throw KafkaFault(.other, "the property \(name): \(reason)") }
        throw Self.fault(name, reason)
    }

    /// What is wrong with a property of the user's.
    private static func fault(_ name: String, _ problem: String) -> KafkaFault {
        KafkaFault(KafkaLogSettingsFault(setting: "kafka.properties.\(name)", problem: problem))
    }
}
