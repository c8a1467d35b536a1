import EventLog
import Lake

/// What the flusher does next: told what happened and at what time, it says what to do.
///
/// Time is given as a duration since any fixed moment, by a clock that never jumps. No partition is ever committed
/// past what is stored, and none that was given up or lost is committed at all.
struct FlusherStateMachine {
    private let memoryLimit: Int
    private let triggers: [String: BatchTrigger]
    private(set) var flows: [TopicPartition: PartitionFlow] = [:]
    private(set) var commits = CommitPhase()
    private var assignments: UInt64 = 0
    private var paused: Set<TopicPartition> = []
    private var isFull = false
    private(set) var isDraining = false
    private(set) var hasLeft = false

    /// - Parameter triggers: by topic; records of other topics are ignored.
    init(triggers: [String: BatchTrigger], memoryLimit: Int) {
        self.triggers = triggers
        self.memoryLimit = memoryLimit
    }

    mutating func handle(_ event: FlusherEvent, now: Duration) -> [FlusherAction] {
        guard !hasLeft else { return [] }
        var actions: [FlusherAction] = []
        apply(event, now: now, &actions)
        relieveMemory()
        for partition in flows.keys.sorted() {
            if let step = flows[partition]?.nextStep(now: now, isDraining: isDraining) { actions.append(step) }
        }
        if let parts = commits.next(flows, now: now, isDraining: isDraining) { actions.append(.commit(parts)) }
        endOwnerships(&actions)
        updatePauses(&actions)
        if isDraining, flows.isEmpty, !commits.isUnderWay {
            hasLeft = true
            actions.append(.leave)
        }
        return actions
    }

    /// When a batch's interval ends next; nil where none does.
    func nextDue(after now: Duration) -> Duration? {
        flows.values.compactMap(\.dueTime).filter { $0 > now }.min()
    }

    var bufferedBytes: Int { flows.values.reduce(0) { $0 + $1.bufferedBytes } }

    var pausedPartitions: Set<TopicPartition> { paused }

    // MARK: Events

    private mutating func apply(_ event: FlusherEvent, now: Duration, _ actions: inout [FlusherAction]) {
        switch event {
        case .assigned(let starts): assign(starts, &actions)
        case .revoking(let partitions): for partition in partitions { flows[partition]?.end(.revoked) }
        case .lost(let partitions):
            for partition in partitions.sorted() { drop(partition, why: .lost, &actions) }
        case .trimmed(let partition, _, let end): if !isDraining { flows[partition]?.takeTrimmed(to: end) }
        case .records(let batch): if !isDraining { flows[batch.source]?.take(batch, now: now) }
        case .tick: break
        case .shutdown: isDraining = true
        case .appended(let assignment, let answer): appended(assignment, answer, &actions)
        case .finished(let assignment, let object):
            guard isCurrent(assignment), let put = flows[assignment.partition]?.finished(object) else { return }
            actions.append(put)
        case .put(let id): if isCurrent(id.assignment) { flows[id.assignment.partition]?.stored(id) }
        case .putFailed(let id, let error): putFailed(id, error, &actions)
        case .committed: committed()
        case .commitFailed(let error): commitFailed(error, &actions)
        case .waited(.commit): commits.waited()
        case .waited(.commitAlone(let assignment)): commits.rested(assignment)
        case .waited(.put(let id)):
            guard isCurrent(id.assignment), let put = flows[id.assignment.partition]?.putAgain(id) else { return }
            actions.append(put)
        }
    }

    private func isCurrent(_ assignment: Assignment) -> Bool {
        flows[assignment.partition]?.assignment == assignment
    }

    private mutating func assign(_ starts: [TopicPartition: StartingPoint], _ actions: inout [FlusherAction]) {
        for (partition, start) in starts.sorted(by: { $0.key < $1.key }) {
            guard let trigger = triggers[partition.topic] else { continue }
            // What an earlier ownership left is read again.
            drop(partition, why: .lost, &actions)
            assignments += 1
            flows[partition] = PartitionFlow(
                assignment: Assignment(partition: partition, number: assignments), trigger: trigger, from: start)
            // Resumed unless there is a reason not to: the log may remember a pause of an earlier ownership.
            paused.insert(partition)
        }
    }

    private mutating func appended(_ assignment: Assignment, _ answer: Appended, _ actions: inout [FlusherAction]) {
        guard isCurrent(assignment) else { return }
        flows[assignment.partition]?.appended(answer)
        if case .newerVersion(let version) = answer.stop {
            actions.append(.report(.newerVersion(assignment.partition, offset: answer.end, version: version)))
        }
    }

    private mutating func putFailed(_ id: ObjectID, _ error: StoreError, _ actions: inout [FlusherAction]) {
        guard isCurrent(id.assignment), let attempts = flows[id.assignment.partition]?.putFailed(id) else { return }
        actions.append(.report(.putHeld(id, error, attempt: attempts)))
        // Other bytes under our name do not go away by themselves: ask seldom.
        actions.append(.wait(.put(id), attempt: error.isTransient ? attempts : .max))
    }

    private mutating func committed() {
        for part in commits.succeeded() where isCurrent(part.assignment) {
            flows[part.assignment.partition]?.committed(part)
        }
    }

    private mutating func commitFailed(_ error: LogError, _ actions: inout [FlusherAction]) {
        // Of a partition that went away meanwhile nothing is held, and its next owner commits it.
        let partitions = commits.parts.map(\.assignment).filter(isCurrent).map(\.partition)
        switch error.kind {
        case .fenced:
            actions.append(.report(.commitFenced(partitions, error)))
            if let alone = commits.fenced(), isCurrent(alone.assignment) {
                flows[alone.assignment.partition]?.end(.fenced)
            }
        case .messageTooLarge:
            guard let (alone, attempt) = commits.wasTooLarge() else { return }
            guard isCurrent(alone.assignment) else { return commits.forget(alone.assignment) }
            actions.append(.report(.commitHeld(partitions, error, attempt: attempt)))
            actions.append(.wait(.commitAlone(alone.assignment), attempt: attempt))
        default:
            let attempt = commits.failed()
            actions.append(.report(.commitHeld(partitions, error, attempt: attempt)))
            actions.append(.wait(.commit, attempt: attempt))
        }
    }

    // MARK: What follows from the whole

    /// Flushes the fullest partitions early, until what is being flushed brings the memory down to half its limit.
    private mutating func relieveMemory() {
        let total = bufferedBytes
        if total >= memoryLimit { isFull = true } else if total <= memoryLimit / 2 { isFull = false }
        guard isFull else { return }
        let open = flows.values.filter { $0.open.messages > 0 }
            .sorted { ($1.open.heldBytes, $0.assignment.number) < ($0.open.heldBytes, $1.assignment.number) }
        var remaining = flows.values.reduce(0) { $0 + $1.open.heldBytes }
        for flow in open where remaining > memoryLimit / 2 || flow.open.isSealRequested {
            flows[flow.assignment.partition]?.sealEarly()
            remaining -= flow.open.heldBytes
        }
    }

    private mutating func endOwnerships(_ actions: inout [FlusherAction]) {
        var released: Set<TopicPartition> = []
        for (partition, flow) in flows.sorted(by: { $0.key < $1.key }) {
            let isHeld = flow.isHeld || (commits.isHeld(flow.assignment) && flow.committable != nil)
            if flow.ending == .fenced {
                drop(partition, why: .fenced, &actions)
                released.insert(partition)
            } else if flow.ending == .revoked || isDraining {
                guard isHeld || flow.isFlushed, !commits.covers(flow.assignment) else { continue }
                if flow.isFlushed {
                    flows[partition] = nil
                    actions.append(.discard(flow.assignment))
                } else {
                    drop(partition, why: flow.ending == .revoked ? .heldWhileRevoked : .heldWhileStopping, &actions)
                }
                if flow.ending == .revoked { released.insert(partition) }
            }
        }
        paused.subtract(released)
        if !released.isEmpty { actions.append(.release(released)) }
    }

    private mutating func drop(_ partition: TopicPartition, why: GivenUpReason, _ actions: inout [FlusherAction]) {
        guard let flow = flows.removeValue(forKey: partition) else { return }
        paused.remove(partition)
        commits.forget(flow.assignment)
        actions.append(.discard(flow.assignment))
        if !flow.isFlushed || why == .fenced { actions.append(.report(.givenUp(partition, why: why))) }
    }

    private mutating func updatePauses(_ actions: inout [FlusherAction]) {
        let wanted = Set(
            flows.values.filter { flow in
                isDraining || isFull || flow.ending == .newerVersion || flow.isHeld || flow.isBehind
                    || (commits.isHeld(flow.assignment) && flow.committable != nil)
            }.map(\.assignment.partition))
        let resumed = paused.subtracting(wanted)
        let added = wanted.subtracting(paused)
        paused = wanted
        if !added.isEmpty { actions.append(.pause(added)) }
        if !resumed.isEmpty { actions.append(.resume(resumed)) }
    }
}
