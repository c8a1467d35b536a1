/// What a member asks at each turn: whether its ownership changed, else for the next records.
struct MemberQuery: Sendable {
    struct Fetch: Sendable {
        let partition: Int64
        let source: TopicPartition
        let position: Offset
    }

    let membership: Membership
    /// The group's revision that the member knows.
    let revision: Int64
    /// Where to read, in the order to try.
    let fetches: [Fetch]
    let maximumBytes: Int
}

enum MemberAnswer: Sendable {
    struct Ownership: Sendable {
        let partition: Int64
        let source: TopicPartition
        let position: Offset
        let generation: Int64
        let isRevoking: Bool
        /// Whether the group has ever committed the partition; else it starts where retention has left it.
        let isCommitted: Bool
    }

    /// Ownership changed: this is all that the member has now.
    case owns([Ownership], revision: Int64)
    /// The member's lease ran out, and others may have its partitions.
    case expired
    /// The instance was started anew elsewhere.
    case replaced
    case records(partition: Int64, RecordBatch)
    case trimmed(partition: Int64, TopicPartition, from: Offset, to: Offset)
    case nothing
}

extension ReadSession {
    func answer(_ query: MemberQuery) throws(Fault) -> MemberAnswer {
        let group = query.membership.group
        let revision = try statements["SELECT revision FROM consumer_groups WHERE id = ?"]
            .first([.integer(group)]) { $0.integer(0) }
        guard let revision else { throw Fault(.corrupt, "a consumer group is gone. \(Fault.advice)") }
        guard revision == query.revision else { return try ownership(query.membership, revision: revision) }
        for fetch in query.fetches {
            let kept = try watermarks(of: fetch.partition)
            if fetch.position < kept.start {
                return .trimmed(partition: fetch.partition, fetch.source, from: fetch.position, to: kept.start)
            }
            guard fetch.position < kept.end else { continue }
            let batch = try batch(
                fetch.source, fetch.partition, from: fetch.position, to: kept.end, maximumBytes: query.maximumBytes)
            return .records(partition: fetch.partition, batch)
        }
        return .nothing
    }

    private func ownership(_ member: Membership, revision: Int64) throws(Fault) -> MemberAnswer {
        let generation = try statements["SELECT generation FROM members WHERE consumer_group = ? AND instance = ?"]
            .first([.integer(member.group), .text(member.instance)]) { $0.integer(0) }
        guard let generation else { return .expired }
        guard generation == member.generation else { return .replaced }
        let query = try statements[
            """
            SELECT partition, position, generation, revoking, committed FROM positions
            WHERE consumer_group = ? AND instance = ? ORDER BY partition
            """]
        let sources = declarations.sources
        let owned = try query.rows([.integer(member.group), .text(member.instance)]) {
            row throws(Fault) -> MemberAnswer.Ownership in
            guard let source = sources[row.integer(0)] else {
                throw Fault(.corrupt, "partition \(row.integer(0)) has no topic. \(Fault.advice)")
            }
            return MemberAnswer.Ownership(
                partition: row.integer(0), source: source, position: row.integer(1), generation: row.integer(2),
                isRevoking: row.integer(3) != 0, isCommitted: row.integer(4) != 0)
        }
        return .owns(owned, revision: revision)
    }
}
