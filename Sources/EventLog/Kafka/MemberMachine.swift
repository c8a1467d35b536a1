import EventLog

/// What a member of a group knows: its partitions, where it reads, what it has yet to tell and to give back. It does
/// nothing itself.
struct MemberMachine {
    /// Why the member is no member any more.
    enum End: Hashable {
        case left
        case closed
        case fenced(String)
    }

    private struct Owned {
        /// The group's position, which the next commit has to start at.
        var position: Offset
        /// The next offset to read.
        var next: Offset
        /// What the group knew this member by when it was assigned.
        var memberID: String
        /// Read, but not yet told.
        var ready: RecordBatch?
        /// Lost to retention behind what is ready, and not yet told: from here on to ``next``.
        var lostFrom: Offset?
        var isRevoking = false
        var isReleased = false

        var hasNews: Bool { ready != nil || lostFrom != nil }

        mutating func forgetNews() {
            ready = nil
            lostFrom = nil
        }
    }

    private var owned: [TopicPartition: Owned] = [:]
    private var paused: Set<TopicPartition> = []
    private var events: [ConsumerEvent] = []
    /// Released without having been asked for: to be taken up anew, from the group's position.
    private var abandoned: Set<TopicPartition> = []
    /// The group waits until all of these are released.
    private var givingBack: Set<TopicPartition> = []
    /// The partition that was told of last; the next in order has its turn.
    private var lastTold: TopicPartition?
    private var inDoubt: Set<TopicPartition> = []
    private var passing: KafkaFault?
    private(set) var end: End?

    // MARK: What the caller asks

    /// Rebalances come before records, and what is told of a partition's records in the order of its offsets.
    mutating func takeEvent() -> ConsumerEvent? {
        if !events.isEmpty { return events.removeFirst() }
        guard let source = inTurn.first(where: { owned[$0]?.hasNews == true }), let known = owned[source] else {
            return nil
        }
        lastTold = source
        if let batch = known.ready {
            owned[source]?.ready = nil
            return .records(batch)
        }
        guard let start = known.lostFrom else { return nil }
        owned[source]?.lostFrom = nil
        return .trimmed(source, from: start, to: known.next)
    }

    /// A fault that the caller has to hear of, once.
    mutating func takeFault() -> KafkaFault? {
        defer { passing = nil }
        return end == nil ? passing : nil
    }

    mutating func pause(_ partitions: Set<TopicPartition>) { paused.formUnion(partitions) }

    mutating func resume(_ partitions: Set<TopicPartition>) { paused.subtract(partitions) }

    mutating func release(_ partitions: Set<TopicPartition>) {
        for partition in partitions {
            if let known = owned[partition], !known.isRevoking, !known.isReleased { abandoned.insert(partition) }
            owned[partition]?.isReleased = true
            owned[partition]?.forgetNews()
        }
        paused.subtract(partitions)
    }

    /// Checks what only the member knows: that it has the partitions, and that the group's positions are the starts.
    ///
    /// - Parameter memberID: what the group knows it by now. One that was thrown out and has joined again commits nothing
    ///   of what it had before, be it told of that or not.
    func check(_ batch: CommitBatch, as memberID: String = "") throws(KafkaFault) {
        try checkIsMember()
        var seen: Set<TopicPartition> = []
        for advance in batch.advances {
            guard advance.start <= advance.end, advance.start >= 0 else {
                throw KafkaFault(.other, "\(advance.partition) cannot go from \(advance.start) to \(advance.end)")
            }
            guard let known = owned[advance.partition], !known.isReleased else {
                throw KafkaFault(.fenced, "\(advance.partition) is not this member's")
            }
            guard known.memberID == memberID else {
                throw KafkaFault(
                    .fenced, "the group took \(advance.partition) from this member, which has joined again")
            }
            guard seen.insert(advance.partition).inserted, known.position == advance.start else {
                throw KafkaFault(
                    .fenced, "the group's position in \(advance.partition) is \(known.position), not \(advance.start)")
            }
        }
    }

    /// - Throws: why its membership ended, where it did.
    func checkIsMember() throws(KafkaFault) {
        switch end {
        case nil: break
        case .fenced(let why): throw KafkaFault(.fenced, why)
        case .left, .closed: throw KafkaFault(.closed, "the member has left")
        }
    }

    /// A commit ended without an answer that says how: the group's positions have to be asked for.
    mutating func doubt(_ batch: CommitBatch) { inDoubt.formUnion(batch.advances.map(\.partition)) }

    /// What is in doubt, where anything is.
    var doubtful: Set<TopicPartition>? {
        let doubtful = inDoubt.intersection(owned.keys)
        return doubtful.isEmpty ? nil : doubtful
    }

    /// Takes the positions that the group has; a partition never committed stands where it was assigned.
    mutating func resolve(_ positions: [TopicPartition: Offset]) {
        for (partition, position) in positions { owned[partition]?.position = position }
        inDoubt = []
    }

    mutating func committed(_ batch: CommitBatch) {
        // It may have been assigned anew meanwhile, from where this commit or another has left it.
        for advance in batch.advances where owned[advance.partition]?.position == advance.start {
            owned[advance.partition]?.position = advance.end
        }
    }

    // MARK: What the group says

    /// - Parameter neverCommitted: those of the partitions in which the group begins at the first offset that is kept.
    mutating func assigned(
        _ positions: [TopicPartition: Offset], neverCommitted: Set<TopicPartition> = [], as memberID: String = ""
    ) {
        guard end == nil, !positions.isEmpty else { return }
        for (partition, position) in positions {
            owned[partition] = Owned(position: position, next: position, memberID: memberID)
        }
        events.append(.assigned(positions))
        for (partition, position) in positions.sorted(by: { $0.key < $1.key })
        where position > 0 && neverCommitted.contains(partition) {
            events.append(.trimmed(partition, from: 0, to: position))
        }
    }

    /// The partitions are to be given back once the caller has released them.
    mutating func revoking(_ partitions: Set<TopicPartition>) {
        givingBack.formUnion(partitions)
        let toTell = partitions.filter { owned[$0]?.isReleased == false }
        for partition in toTell {
            owned[partition]?.isRevoking = true
            owned[partition]?.forgetNews()
        }
        if !toTell.isEmpty { events.append(.revoking(toTell)) }
    }

    /// The partitions are another's: given back without asking the caller.
    mutating func lost(_ partitions: Set<TopicPartition>) {
        let toTell = partitions.filter { owned[$0]?.isReleased == false }
        for partition in partitions { owned[partition] = nil }
        paused.subtract(partitions)
        if !toTell.isEmpty { events.append(.lost(toTell)) }
    }

    /// Whether the group waits for the caller's release.
    var isGivingBack: Bool { !givingBack.isEmpty }

    /// What is revoked, once the caller has released all of it.
    mutating func takeReleased() -> Set<TopicPartition>? {
        guard isGivingBack, givingBack.allSatisfy({ owned[$0]?.isReleased ?? true }) else { return nil }
        defer { givingBack = [] }
        for partition in givingBack { owned[partition] = nil }
        return givingBack
    }

    /// What the caller gave up though the group left it to this member, which is nobody's until it is taken up anew.
    mutating func takeAbandoned() -> Set<TopicPartition> {
        defer { abandoned = [] }
        let taken = abandoned.subtracting(givingBack).intersection(owned.keys)
        for partition in taken { owned[partition] = nil }
        return taken
    }

    /// What was revoked is lost before the caller released it.
    mutating func loseRevoked() -> Set<TopicPartition> {
        defer { givingBack = [] }
        lost(givingBack)
        return givingBack
    }

    mutating func end(_ reason: End) {
        guard end == nil else { return }
        if case .fenced = reason { lost(Set(owned.keys)) }
        end = reason
    }

    mutating func fail(_ fault: KafkaFault) { passing = fault }

    // MARK: What was read

    /// The partitions to read from, in turn: those of which nothing waits to be told.
    var wanted: [TopicPartition] { inTurn.filter { owned[$0]?.hasNews == false } }

    func nextOffset(of partition: TopicPartition) -> Offset? { owned[partition]?.next }

    mutating func take(_ batch: RecordBatch) {
        guard let known = owned[batch.source], !known.isRevoking, !known.isReleased, !known.hasNews,
            batch.nextOffset > known.next
        else { return }
        owned[batch.source]?.ready = batch
        owned[batch.source]?.next = batch.nextOffset
    }

    /// Everything before `start` was lost to retention.
    mutating func trimmed(_ partition: TopicPartition, to start: Offset) {
        guard let known = owned[partition], !known.isReleased, !known.isRevoking, start > known.next else { return }
        owned[partition]?.lostFrom = known.lostFrom ?? known.next
        owned[partition]?.next = start
    }

    private var inTurn: [TopicPartition] {
        let readable = owned.filter { source, owned in
            !owned.isRevoking && !owned.isReleased && !paused.contains(source)
        }
        let order = readable.keys.sorted()
        let turn = lastTold.flatMap { last in order.firstIndex { $0 > last } } ?? 0
        return Array(order[turn...] + order[..<turn])
    }
}
