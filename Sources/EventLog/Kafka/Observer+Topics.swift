import CRdKafka
import EventLog
import Foundation

extension Observer {
    /// Makes the topic, or checks its partitions and sets its retention.
    func declare(_ topic: TopicDeclaration) throws(KafkaFault) {
        if try directory.refresh(of: [topic.name])[topic.name] == nil { try create(topic) }
        let count = try directory.partitions(of: topic.name)
        guard count >= topic.partitions else {
            throw KafkaFault(
                .other,
                "the topic has \(count) partitions and \(topic.partitions) are declared; keys would move if it grew."
                    + " Declare \(count), or add the partitions with Kafka's own tools and set log.epoch anew")
        }
        try configure(topic)
    }

    func topics() throws(KafkaFault) -> [TopicDeclaration] {
        let counts = try directory.refresh()
        let entries = try describe(Array(counts.keys))
        return counts.keys.sorted().compactMap { name in
            guard let partitions = counts[name], let entries = entries[name] else { return nil }
            return TopicDeclaration(
                name: name, partitions: partitions, retention: Retention(of: entries.mapValues(\.value)))
        }
    }

    private func create(_ topic: TopicDeclaration) throws(KafkaFault) {
        var words = [CChar](repeating: 0, count: 256)
        guard
            let request = rd_kafka_NewTopic_new(
                topic.name, topic.partitions, Int32(settings.replication), &words, words.count)
        else { throw KafkaFault(.other, "the topic cannot be made with \(topic.partitions) partitions") }
        defer { rd_kafka_NewTopic_destroy(request) }
        for (name, value) in properties(of: topic) { rd_kafka_NewTopic_set_config(request, name, value) }
        try ask(RD_KAFKA_ADMIN_OP_CREATETOPICS) { options, queue in
            var requests: [OpaquePointer?] = [request]
            rd_kafka_CreateTopics(client.pointer, &requests, 1, options, queue)
        } read: { event throws(KafkaFault) in
            var count = 0
            guard let results = rd_kafka_CreateTopics_result_topics(event, &count), count == 1 else { return }
            let code = rd_kafka_topic_result_error(results[0])
            // Another process may declare it at the same time.
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS else { return }
            throw KafkaFault(code, rd_kafka_topic_result_error_string(results[0]).map { String(cString: $0) })
        }
        try awaitLeaders(of: topic)
    }

    /// A topic is made before its partitions have leaders that can be asked.
    private func awaitLeaders(of topic: TopicDeclaration) throws(KafkaFault) {
        let deadline = ContinuousClock.now + settings.requestTimeout
        while true {
            if let count = try directory.refresh()[topic.name] {
                do throws(KafkaFault) {
                    for number in 0..<count {
                        _ = try watermarks(of: TopicPartition(topic: topic.name, partition: number))
                    }
                    return
                } catch {
                    guard error.kind == .busy || error.kind == .unknownTopic else { throw error }
                }
            }
            guard ContinuousClock.now < deadline else { throw KafkaFault(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// What a topic of the log's is configured with.
    private func properties(of topic: TopicDeclaration) -> [String: String] {
        var properties = topic.retention.properties
        // A record's time is when the log took it.
        properties["message.timestamp.type"] = "LogAppendTime"
        properties["max.message.bytes"] = String(settings.maximumMessageBytes + ClientProperties.envelopeBytes)
        return properties
    }

    private func configure(_ topic: TopicDeclaration) throws(KafkaFault) {
        let wanted = properties(of: topic)
        let present = try describe([topic.name])[topic.name] ?? [:]
        guard wanted.contains(where: { present[$0.key]?.value != $0.value }) else { return }
        // Kafka's AlterConfigs, the one that librdkafka 2.0 has, takes away what it does not name.
        let all = present.filter(\.value.isTopics).mapValues(\.value).merging(wanted) { $1 }
        let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.name)
        defer { rd_kafka_ConfigResource_destroy(resource) }
        for (name, value) in all { rd_kafka_ConfigResource_set_config(resource, name, value) }
        try ask(RD_KAFKA_ADMIN_OP_ALTERCONFIGS) { options, queue in
            var resources: [OpaquePointer?] = [resource]
            rd_kafka_AlterConfigs(client.pointer, &resources, 1, options, queue)
        } read: { event throws(KafkaFault) in
            var count = 0
            guard let results = rd_kafka_AlterConfigs_result_resources(event, &count), count == 1 else { return }
            try Self.check(results[0])
        }
        // Brokers hear of it a little later.
        let deadline = ContinuousClock.now + settings.requestTimeout
        while ContinuousClock.now < deadline {
            let described = try describe([topic.name])[topic.name] ?? [:]
            if !wanted.contains(where: { described[$0.key]?.value != $0.value }) { return }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    struct Property {
        let value: String
        /// Set for the topic itself.
        let isTopics: Bool
    }

    private func describe(_ topics: [String]) throws(KafkaFault) -> [String: [String: Property]] {
        guard !topics.isEmpty else { return [:] }
        var resources = topics.map { rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0) }
        defer { for resource in resources { rd_kafka_ConfigResource_destroy(resource) } }
        return try ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS) { options, queue in
            rd_kafka_DescribeConfigs(client.pointer, &resources, resources.count, options, queue)
        } read: { event throws(KafkaFault) in
            var count = 0
            guard let results = rd_kafka_DescribeConfigs_result_resources(event, &count) else { return [:] }
            var described: [String: [String: Property]] = [:]
            for result in UnsafeBufferPointer(start: results, count: count) {
                guard let result, let name = rd_kafka_ConfigResource_name(result) else { continue }
                // A topic that was deleted meanwhile is none, and what this user may not look at is another's.
                let code = rd_kafka_ConfigResource_error(result)
                if code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART { continue }
                if code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, topics.count > 1 { continue }
                try Self.check(result)
                described[String(cString: name)] = Self.properties(of: result)
            }
            return described
        }
    }

    private static func check(_ resource: OpaquePointer?) throws(KafkaFault) {
        let code = rd_kafka_ConfigResource_error(resource)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        throw KafkaFault(code, rd_kafka_ConfigResource_error_string(resource).map { String(cString: $0) })
    }

    private static func properties(of resource: OpaquePointer) -> [String: Property] {
        var count = 0
        guard let entries = rd_kafka_ConfigResource_configs(resource, &count) else { return [:] }
        var properties: [String: Property] = [:]
        for entry in UnsafeBufferPointer(start: entries, count: count) {
            guard let name = rd_kafka_ConfigEntry_name(entry), let value = rd_kafka_ConfigEntry_value(entry) else {
                continue
            }
            properties[String(cString: name)] = Property(
                value: String(cString: value),
                isTopics: rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
        }
        return properties
    }
}

extension Retention {
    /// As Kafka's topic properties; -1 is without limit.
    var properties: [String: String] {
        switch cleanup {
        case .compact: ["cleanup.policy": "compact", "retention.ms": "-1", "retention.bytes": "-1"]
        case .delete(let age, let bytes):
            [
                "cleanup.policy": "delete", "retention.ms": String(age.map(Self.milliseconds) ?? -1),
                "retention.bytes": String(bytes ?? -1),
            ]
        }
    }

    init(of properties: [String: String]) {
        guard properties["cleanup.policy"] != "compact" else {
            self.init(.compact)
            return
        }
        let age = properties["retention.ms"].flatMap { Int64($0) } ?? -1
        let bytes = properties["retention.bytes"].flatMap { Int($0) } ?? -1
        self.init(.delete(age: age < 0 ? nil : .milliseconds(age), bytes: bytes < 0 ? nil : bytes))
    }

    private static func milliseconds(_ age: Duration) -> Int64 {
        age.components.seconds * 1000 + age.components.attoseconds / 1_000_000_000_000_000
    }
}
