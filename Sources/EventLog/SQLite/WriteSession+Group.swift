/// A member of a group, in one of its lives.
struct Membership: Hashable, Sendable {
    let group: Int64
    let instance: String
    /// Grows with every life of any member of the group; what an earlier life of the instance had is this one's.
    let generation: Int64
}

extension WriteSession {
    /// Makes the instance a member, in place of an earlier life of it, and divides the partitions anew.
    func join(group: String, instance: String, topics: [String]) throws(Fault) -> Membership {
        var ids: Set<Int64> = []
        for topic in topics { ids.insert(try declarations.topic(topic).id) }
        try statements["INSERT OR IGNORE INTO consumer_groups(name) VALUES (?)"].run(.text(group))
        let raised = try statements[
            "UPDATE consumer_groups SET generation = generation + 1 WHERE name = ? RETURNING id, generation"
        ].rows([.text(group)]) { Membership(group: $0.integer(0), instance: instance, generation: $0.integer(1)) }
        guard let member = raised.first else { throw Fault(.corrupt, "group \(group) is gone. \(Fault.advice)") }

        let lease = leaseEnd()
        try statements["INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?)"].run(
            .integer(member.group), .text(instance), .integer(member.generation), .text(lease.boot),
            .integer(lease.microseconds))
        try statements["DELETE FROM subscriptions WHERE consumer_group = ? AND instance = ?"].run(
            .integer(member.group), .text(instance))
        for topic in ids.sorted() {
            try statements["INSERT INTO subscriptions VALUES (?, ?, ?)"].run(
                .integer(member.group), .text(instance), .integer(topic))
        }
        // Its earlier life can no longer commit, and there is nothing for it to flush first.
        try statements[
            """
            UPDATE positions SET generation = ?, revoking = 0, instance = iif(
                (SELECT topic FROM partitions WHERE id = partition)
                IN (SELECT topic FROM subscriptions AS s WHERE s.consumer_group = ?2 AND s.instance = ?3), ?3, NULL)
            WHERE consumer_group = ?2 AND instance = ?3
            """
        ].run(.integer(member.generation), .integer(member.group), .text(instance))
        try raiseRevision(of: member.group)
        try rebalance(member.group)
        return member
    }

    /// Renews the members' leases, ends those of others that ran out, and divides anew what they had.
    func renew(_ members: [Membership]) throws(Fault) {
        let lease = leaseEnd()
        for member in members {
            try statements[
                "UPDATE members SET boot = ?, expires = ? WHERE consumer_group = ? AND instance = ? AND generation = ?"
            ].run(
                .text(lease.boot), .integer(lease.microseconds), .integer(member.group), .text(member.instance),
                .integer(member.generation))
        }
        for group in Set(members.map(\.group)).sorted() { try rebalance(group) }
    }

    /// - Returns: the group's revision after it.
    func release(_ partitions: [Int64], of member: Membership) throws(Fault) -> Int64 {
        for partition in partitions {
            try statements[
                """
                UPDATE positions SET instance = NULL, generation = NULL, revoking = 0
                WHERE consumer_group = ? AND partition = ? AND instance = ? AND generation = ?
                """
            ].run(
                .integer(member.group), .integer(partition), .text(member.instance), .integer(member.generation))
        }
        try raiseRevision(of: member.group)
        try rebalance(member.group)
        let query = try statements["SELECT revision FROM consumer_groups WHERE id = ?"]
        return try query.first([.integer(member.group)]) { $0.integer(0) } ?? 0
    }

    func leave(_ member: Membership) throws(Fault) {
        try remove(instance: member.instance, generation: member.generation, from: member.group)
        try rebalance(member.group)
    }

    /// - Throws: a fault of kind `fenced` where anything is not as `batch` says; the caller rolls back then.
    func commit(_ batch: CommitBatch, by member: Membership, generations: [Int64]) throws(Fault) -> [LogPosition] {
        let isMember = try statements[
            "SELECT 1 FROM members WHERE consumer_group = ? AND instance = ? AND generation = ?"
        ].first([.integer(member.group), .text(member.instance), .integer(member.generation)]) { _ in true }
        guard isMember == true else {
            throw Fault(.fenced, "\(member.instance) was put out of the group, or started anew elsewhere")
        }
        for (advance, generation) in zip(batch.advances, generations) {
            let partition = try declarations.partition(advance.partition)
            try statements[
                """
                UPDATE positions SET position = ?, committed = 1
                WHERE consumer_group = ? AND partition = ? AND position = ? AND instance = ? AND generation = ?
                """
            ].run(
                .integer(advance.end), .integer(member.group), .integer(partition), .integer(advance.start),
                .text(member.instance), .integer(generation))
            guard statements.connection.changes == 1 else {
                throw Fault(
                    .fenced, "\(advance.partition) is no longer \(member.instance)'s at position \(advance.start)")
            }
        }
        return try append(batch.appends)
    }

    private func leaseEnd() -> LeaseTime {
        let now = options.leaseClock.now()
        return LeaseTime(boot: now.boot, microseconds: now.microseconds + options.settings.lease.inMicroseconds)
    }

    private func raiseRevision(of group: Int64) throws(Fault) {
        try statements["UPDATE consumer_groups SET revision = revision + 1 WHERE id = ?"].run(.integer(group))
    }

    private func remove(instance: String, generation: Int64, from group: Int64) throws(Fault) {
        try statements["DELETE FROM members WHERE consumer_group = ? AND instance = ? AND generation = ?"].run(
            .integer(group), .text(instance), .integer(generation))
        guard statements.connection.changes == 1 else { return }
        try statements["DELETE FROM subscriptions WHERE consumer_group = ? AND instance = ?"].run(
            .integer(group), .text(instance))
        try statements[
            """
            UPDATE positions SET instance = NULL, generation = NULL, revoking = 0
            WHERE consumer_group = ? AND instance = ?
            """
        ].run(.integer(group), .text(instance))
        try raiseRevision(of: group)
    }

    /// Ends the leases that ran out, then carries out what ``Assignment`` says.
    func rebalance(_ group: Int64) throws(Fault) {
        let now = options.leaseClock.now()
        let expired = try statements[
            "SELECT instance, generation FROM members WHERE consumer_group = ? AND (boot <> ? OR expires <= ?)"
        ].rows([.integer(group), .text(now.boot), .integer(now.microseconds)]) { ($0.text(0), $0.integer(1)) }
        for (instance, generation) in expired { try remove(instance: instance, generation: generation, from: group) }

        let generations = try statements["SELECT instance, generation FROM members WHERE consumer_group = ?"]
            .rows([.integer(group)]) { ($0.text(0), $0.integer(1)) }
        let changes = Assignment.changes(
            members: try members(of: group, generations.map(\.0)), slots: try slots(of: group))
        guard !changes.isEmpty else { return }
        let generationOf = Dictionary(generations) { $1 }
        for change in changes {
            switch change {
            case .assign(let partition, let instance):
                guard let generation = generationOf[instance] else { continue }
                try assign(partition, of: group, to: instance, generation: generation)
            case .revoke(let partition):
                try statements["UPDATE positions SET revoking = 1 WHERE consumer_group = ? AND partition = ?"]
                    .run(.integer(group), .integer(partition))
            }
        }
        try raiseRevision(of: group)
    }

    /// A group that has never committed a partition starts at its first kept offset.
    private func assign(_ partition: Int64, of group: Int64, to instance: String, generation: Int64) throws(Fault) {
        try statements[
            """
            INSERT INTO positions(consumer_group, partition, position, instance, generation)
            SELECT ?1, id, start_offset, ?3, ?4 FROM partitions WHERE id = ?2
            ON CONFLICT DO UPDATE SET
                position = iif(committed, position, excluded.position),
                instance = excluded.instance, generation = excluded.generation, revoking = 0
            """
        ].run(.integer(group), .integer(partition), .text(instance), .integer(generation))
    }

    private func members(of group: Int64, _ instances: [String]) throws(Fault) -> [Assignment.Member] {
        var topics: [String: Set<Int64>] = [:]
        let rows = try statements["SELECT instance, topic FROM subscriptions WHERE consumer_group = ?"]
            .rows([.integer(group)]) { ($0.text(0), $0.integer(1)) }
        for (instance, topic) in rows { topics[instance, default: []].insert(topic) }
        return instances.map { Assignment.Member(instance: $0, topics: topics[$0] ?? []) }
    }

    private func slots(of group: Int64) throws(Fault) -> [Assignment.Slot] {
        try statements[
            """
            SELECT id, topic, instance, coalesce(revoking, 0) FROM partitions
            LEFT JOIN positions ON partition = id AND consumer_group = ?1
            WHERE topic IN (SELECT topic FROM subscriptions WHERE consumer_group = ?1) OR instance IS NOT NULL
            """
        ].rows([.integer(group)]) { row in
            Assignment.Slot(
                partition: row.integer(0), topic: row.integer(1), owner: row.isNull(2) ? nil : row.text(2),
                isRevoking: row.integer(3) != 0)
        }
    }
}
