/// What a member of a group knows: its partitions, where it reads, and what it has yet to tell. It does nothing itself.
struct MemberState {
    enum Step {
        case deliver(ConsumerEvent)
        /// These were revoked before the caller ever had them.
        case release([Int64])
        /// The lease ran out: become a member again.
        case rejoin
        /// Nothing is new; wait for news.
        case wait
        /// Ask again.
        case askAgain
    }

    private struct Owned {
        let source: TopicPartition
        let generation: Int64
        var position: Offset
        var isRevoking = false
        /// Given back, though the log may not say so yet.
        var isReleased = false
    }

    private(set) var membership: Membership
    private(set) var hasLeft = false
    private(set) var isReplaced = false
    private var revision: Int64 = -1
    /// What the log answered from before a release would show the partitions as ours still.
    private var oldestRevision: Int64 = -1
    private var owned: [Int64: Owned] = [:]
    private var paused: Set<TopicPartition> = []
    private var events: [ConsumerEvent] = []
    /// The partition that was read last; the next in order has its turn.
    private var lastRead: Int64 = -1
    private let maximumBytes: Int

    init(_ membership: Membership, maximumBytes: Int) {
        self.membership = membership
        self.maximumBytes = maximumBytes
    }

    mutating func takeEvent() -> ConsumerEvent? { events.isEmpty ? nil : events.removeFirst() }

    var query: MemberQuery {
        let readable = owned.filter { _, owned in
            !owned.isRevoking && !owned.isReleased && !paused.contains(owned.source)
        }
        let order = readable.keys.sorted()
        let turn = order.firstIndex { $0 > lastRead } ?? 0
        let fetches = (order[turn...] + order[..<turn]).compactMap { partition in
            readable[partition].map { owned in
                MemberQuery.Fetch(partition: partition, source: owned.source, position: owned.position)
            }
        }
        return MemberQuery(membership: membership, revision: revision, fetches: fetches, maximumBytes: maximumBytes)
    }

    /// Takes in what the log answered to `query`.
    mutating func take(_ answer: MemberAnswer, to query: MemberQuery) -> Step {
        guard query.membership == membership else { return .askAgain }
        switch answer {
        case .nothing: return .wait
        case .records(let partition, let batch):
            guard canRead(partition, at: batch.source, query) else { return .askAgain }
            owned[partition]?.position = batch.nextOffset
            lastRead = partition
            return batch.records.isEmpty ? .askAgain : .deliver(.records(batch))
        case .trimmed(let partition, let source, let from, let to):
            guard canRead(partition, at: source, query) else { return .askAgain }
            owned[partition]?.position = to
            return .deliver(.trimmed(source, from: from, to: to))
        case .expired, .replaced:
            let lost = Set(owned.values.filter { !$0.isReleased }.map(\.source))
            owned = [:]
            if case .replaced = answer { isReplaced = true }
            if !lost.isEmpty { events.append(.lost(lost)) }
            return .rejoin
        case .owns(let ownership, let revision):
            guard revision >= oldestRevision else { return .askAgain }
            self.revision = revision
            return compare(ownership)
        }
    }

    /// Whether an answer that was on its way still counts: the partition may have been paused or given up meanwhile.
    private func canRead(_ partition: Int64, at source: TopicPartition, _ query: MemberQuery) -> Bool {
        guard let owned = owned[partition], !owned.isReleased, !paused.contains(source) else { return false }
        return query.fetches.contains { $0.partition == partition && $0.position == owned.position }
    }

    private mutating func compare(_ ownership: [MemberAnswer.Ownership]) -> Step {
        var lost: Set<TopicPartition> = []
        var revoking: Set<TopicPartition> = []
        var assigned: [TopicPartition: Offset] = [:]
        var trimmed: [ConsumerEvent] = []
        var unwanted: [Int64] = []
        let held = Set(ownership.map(\.partition))
        for (partition, known) in owned where !held.contains(partition) {
            if !known.isReleased { lost.insert(known.source) }
            owned[partition] = nil
        }
        for one in ownership {
            if let known = owned[one.partition] {
                guard one.isRevoking, !known.isRevoking, !known.isReleased else { continue }
                owned[one.partition]?.isRevoking = true
                revoking.insert(one.source)
            } else if one.isRevoking {
                unwanted.append(one.partition)
            } else {
                owned[one.partition] = Owned(source: one.source, generation: one.generation, position: one.position)
                assigned[one.source] = one.position
                if !one.isCommitted, one.position > 0 {
                    trimmed.append(.trimmed(one.source, from: 0, to: one.position))
                }
            }
        }
        if !lost.isEmpty { events.append(.lost(lost)) }
        if !revoking.isEmpty { events.append(.revoking(revoking)) }
        if !assigned.isEmpty { events.append(.assigned(assigned)) }
        events += trimmed
        return unwanted.isEmpty ? .askAgain : .release(unwanted)
    }

    mutating func pause(_ partitions: Set<TopicPartition>) { paused.formUnion(partitions) }

    mutating func resume(_ partitions: Set<TopicPartition>) { paused.subtract(partitions) }

    /// The generations under which the member was given the batch's partitions; nil where it has one of them not.
    func generations(for batch: CommitBatch) -> [Int64]? {
        let generations = Dictionary(
            owned.values.filter { !$0.isReleased }.map { ($0.source, $0.generation) }, uniquingKeysWith: max)
        let found = batch.advances.compactMap { generations[$0.partition] }
        return found.count == batch.advances.count ? found : nil
    }

    /// No more is read of these; the log is to be told.
    mutating func beginRelease(of partitions: Set<TopicPartition>) -> [Int64] {
        let released = owned.filter { partitions.contains($0.value.source) }.keys.sorted()
        for partition in released { owned[partition]?.isReleased = true }
        paused.subtract(partitions)
        return released
    }

    /// The log was told: should the partitions come back, they come as new.
    mutating func endRelease(of partitions: [Int64], at revision: Int64) {
        for partition in partitions where owned[partition]?.isReleased == true { owned[partition] = nil }
        oldestRevision = revision
        self.revision = -1
    }

    /// The log could not be told: all is as before.
    mutating func undoRelease(of partitions: [Int64]) {
        for partition in partitions { owned[partition]?.isReleased = false }
    }

    mutating func rejoined(as membership: Membership) {
        self.membership = membership
        revision = -1
    }

    mutating func leave() { hasLeft = true }
}
