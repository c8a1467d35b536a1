import KafkaLog

extension Setting {
    private enum Answer: String, CaseIterable { case no, yes }

    static let kafka: [Setting] = [
        text(
            "log.epoch",
            "For log.kind kafka: eight of a-z and 0-9 in objects' names, others when topics were deleted and made anew.",
            standard: nil
        ) { $0.kafka.epoch = $1 },
        text("kafka.brokers", "Where the cluster is: host:port, more of them apart by commas.", standard: nil) {
            $0.kafka.brokers = $1
        },
        integer(
            "kafka.replication", "On how many brokers each partition of a topic that Pregão makes is kept.",
            standard: 1,
            in: 1...32
        ) { $0.kafka.replication = Int16($1) },
        choice(
            "kafka.static-members",
            "Whether an instance that starts anew has its partitions back at once; those of one that leaves stay its own"
                + " until log.lease has passed.", standard: Answer.no
        ) { $0.kafka.hasStaticMembers = $1 == .yes },
        Setting(
            path: propertyPrefix + "*", takes: "text",
            help: "Any of librdkafka's properties in place of the *, such as security.protocol or sasl.password.",
            standard: nil, apply: { _, _ in "stands for the name of a property" }, isList: false),
    ]

    static let propertyPrefix = "kafka.properties."

    /// A property of librdkafka's by its own name; nil where the path is none. Never shown: it may be a secret.
    static func property(_ path: String) -> Setting? {
        guard path.hasPrefix(propertyPrefix) else { return nil }
        let name = String(path.dropFirst(propertyPrefix.count))
        guard !name.isEmpty, name != "*" else { return nil }
        return Setting(
            path: path, takes: "text", help: "A property of librdkafka's.", standard: nil,
            apply: { configuration, texts in
                guard let text = texts.first, texts.count == 1 else { return "takes one value, not a list" }
                configuration.kafka.properties[name] = text
                return nil
            }, isList: false, isSecret: true)
    }

    /// `PREGAO_KAFKA_PROPERTIES_SASL_PASSWORD`: librdkafka's names are of small letters and points.
    static func property(environmentName name: String) -> Setting? {
        let prefix = "PREGAO_KAFKA_PROPERTIES_"
        guard name.hasPrefix(prefix) else { return nil }
        return property(propertyPrefix + name.dropFirst(prefix.count).lowercased().map { $0 == "_" ? "." : $0 })
    }
}
