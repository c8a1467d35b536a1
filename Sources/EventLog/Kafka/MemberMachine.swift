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
        /// Read, but not yet told.
        var ready: RecordBatch?
        var isRevoking = false
        var isReleased = false
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

    /// Rebalances come before records.
    mutating func takeEvent() -> ConsumerEvent? {
        if !events.isEmpty { return events.removeFirst() }
        let order = inTurn.filter { owned[$0]?.ready != nil }
        guard let source = order.first, let batch = owned[source]?.ready else { return nil }
        owned[source]?.ready = nil
        lastTold = source
        return .records(batch)
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
            owned[partition]?.ready = nil
        }
        paused.subtract(partitions)
    }

    /// Checks what only the member knows: that it has the partitions, and that the group's positions are the starts.
    func check(_ batch: CommitBatch) throws(KafkaFault) {
        switch end {
        case nil: break
        case .fenced(let why): throw KafkaFault(.fenced, why)
        case .left, .closed: throw KafkaFault(.closed, "the member has left")
        }
        var seen: Set<TopicPartition> = []
        for advance in batch.advances {
            guard advance.start <= advance.end, advance.start >= 0 else {
                throw KafkaFault(.other, "\(advance.partition) cannot go from \(advance.start) to \(advance.end)")
            }
            guard let known = owned[advance.partition], !known.isReleased else {
                throw KafkaFault(.fenced, "\(advance.partition) is not this member's")
            }
            guard seen.insert(advance.partition).inserted, known.position == advance.start else {
                throw KafkaFault(
                    .fenced, "the group's position in \(advance.partition) is \(known.position), not \(advance.start)")
            }
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
        for advance in batch.advances { owned[advance.partition]?.position = advance.end }
    }

    // MARK: What the group says

    /// - Parameter neverCommitted: those of the partitions in which the group begins at the first offset that is kept.
    mutating func assigned(_ positions: [TopicPartition: Offset], neverCommitted: Set<TopicPartition> = []) {
        guard end == nil, !positions.isEmpty else { return }
        for (partition, position) in positions { owned[partition] = Owned(position: position, next: position) }
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
            owned[partition]?.ready = nil
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

    /// The partitions to read from, in turn: those without records that wait to be told.
    var wanted: [TopicPartition] { inTurn.filter { owned[$0]?.ready == nil } }

    func nextOffset(of partition: TopicPartition) -> Offset? { owned[partition]?.next }

    mutating func take(_ batch: RecordBatch) {
        guard let known = owned[batch.source], !known.isRevoking, !known.isReleased, known.ready == nil,
            batch.nextOffset > known.next
        else { return }
        owned[batch.source]?.ready = batch
        owned[batch.source]?.next = batch.nextOffset
    }

    /// Everything before `start` was lost to retention.
    mutating func trimmed(_ partition: TopicPartition, to start: Offset) {
        guard let known = owned[partition], !known.isReleased, start > known.next else { return }
        events.append(.trimmed(partition, from: known.next, to: start))
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
