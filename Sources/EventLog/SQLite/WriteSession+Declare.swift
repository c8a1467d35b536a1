extension WriteSession {
    /// Makes the topic with its partitions' tables, or updates its retention, and adds to its readers.
    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) throws(Fault) {
        try declare(topic)
        for group in groups.sorted() {
            try statements[
                "INSERT OR IGNORE INTO readers(topic, consumer_group) SELECT id, ? FROM topics WHERE name = ?"
            ].run(.text(group), .text(topic.name))
        }
    }

    private func declare(_ topic: TopicDeclaration) throws(Fault) {
        guard topic.partitions > 0 else { throw Fault(.other, "a topic has at least one partition") }
        // Kafka's rule, so that a name is good for either log.
        let isLegal = topic.name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isLegal, (1...249).contains(topic.name.utf8.count) else {
            throw Fault(.other, "a topic's name has 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'")
        }
        if let known = declarations.topics[topic.name] {
            guard known.declaration.partitions >= topic.partitions else {
                // More would send keys to other partitions than before, out of order.
                throw Fault(
                    .other,
                    "it has \(known.declaration.partitions) partitions, not \(topic.partitions), and they cannot be added:"
                        + " set log.partitions to \(known.declaration.partitions) or less, or move the log's folder"
                        + " aside to start a new log"
                )
            }
            guard known.declaration.retention != topic.retention else { return }
        }
        try save(topic)
        try statements["UPDATE log SET declarations = declarations + 1"].run()
        try declarations.refresh(statements)
    }

    private func save(_ topic: TopicDeclaration) throws(Fault) {
        var (compact, age, bytes): (Int64, Statement.Value, Statement.Value) = (0, .null, .null)
        switch topic.retention.cleanup {
        case .compact: compact = 1
        case .delete(let keptAge, let keptBytes):
            if let keptAge { age = .integer(keptAge.inMicroseconds) }
            if let keptBytes { bytes = .integer(Int64(keptBytes)) }
        }
        let id = try statements[
            """
            INSERT INTO topics(name, compact, age, bytes) VALUES (?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET compact = excluded.compact, age = excluded.age, bytes = excluded.bytes
            RETURNING id
            """
        ].rows([.text(topic.name), .integer(compact), age, bytes]) { $0.integer(0) }
        guard let id = id.first, declarations.topics[topic.name] == nil else { return }
        for number in 0..<Int64(topic.partitions) {
            let partition = try statements["INSERT INTO partitions(topic, number) VALUES (?, ?) RETURNING id"]
                .rows([.integer(id), .integer(number)]) { $0.integer(0) }
            if let partition = partition.first {
                try statements.connection.execute(Schema.messages(partition))
            }
        }
    }
}
