import EventLog
import MarketData

/// One partition between the log and the commit: what waits to be encoded, the open object, and the objects that wait
/// to be put or committed, all in the order of offsets.
///
/// At most one encoding step is under way, so that records keep their order whatever thread encodes.
struct PartitionFlow {
    enum Ending: Hashable {
        /// The next message is of a version that only a newer program reads.
        case newerVersion
        case revoked
        /// A commit was fenced: what this instance reads of the partition may no longer count.
        case fenced
    }

    enum Step: Hashable { case none, appending, finishing }

    let assignment: Assignment
    let trigger: BatchTrigger
    /// The group's committed position.
    private(set) var position: Offset
    private(set) var ending: Ending?
    private(set) var step = Step.none
    private(set) var open: OpenObject
    private(set) var pending: [PendingObject] = []
    private var inputs: [Input] = []
    private(set) var isBehind = false

    init(assignment: Assignment, trigger: BatchTrigger, from position: Offset) {
        self.assignment = assignment
        self.trigger = trigger
        self.position = position
        open = OpenObject(start: position)
    }

    // MARK: What arrives

    mutating func take(_ batch: RecordBatch, now: Duration) {
        guard ending == nil else { return }
        inputs.append(.records(batch, from: 0, arrived: now))
        updateBehind()
    }

    /// The range from what was read up to `end` is gone from the log.
    mutating func takeTrimmed(from start: Offset, to end: Offset, keptSince: Instant?) {
        guard ending == nil else { return }
        // A group that has never committed is told so of what is gone before the position that it starts at.
        let isBeforeFirstStart = start == 0 && end == position
        if isBeforeFirstStart { open = OpenObject(start: 0) }
        inputs.append(.empty(to: end, isBeforeFirstStart ? .beforeFirstStart : .lostToRetention, keptSince: keptSince))
    }

    mutating func end(_ reason: Ending) { ending = reason }

    mutating func sealEarly() { open.isSealRequested = true }

    // MARK: Encoding

    /// The next encoding step, if one is possible now. `isDraining` closes the open object once nothing waits before it.
    mutating func nextStep(now: Duration, isDraining: Bool) -> FlusherAction? {
        guard step == .none, ending != .fenced else { return nil }
        if open.messages > 0, mustSeal(now: now, isDraining: isDraining) {
            step = .finishing
            return .finish(assignment, open.start..<open.end, nil, keptSince: nil)
        }
        switch inputs.first {
        case nil: return nil
        case .empty(let end, let reason, let keptSince):
            inputs.removeFirst()
            // What was read before it was lost is not lost.
            guard end > open.end else { return nextStep(now: now, isDraining: isDraining) }
            step = .finishing
            open.end = end
            return .finish(assignment, open.start..<end, reason, keptSince: keptSince)
        case .records(let batch, let index, let arrived):
            if open.openedAt == nil { open.openedAt = arrived }
            step = .appending
            let room = Room(
                bytes: trigger.size - open.messageBytes, messages: trigger.messages.map { $0 - open.messages })
            return .append(assignment, batch, from: index, room: room)
        }
    }

    private func mustSeal(now: Duration, isDraining: Bool) -> Bool {
        if open.isSealRequested || open.messageBytes >= trigger.size { return true }
        if let limit = trigger.messages, open.messages >= limit { return true }
        if let due = dueTime, due <= now { return true }
        switch inputs.first {
        case nil: return isDraining || ending != nil
        case .empty: return true
        case .records: return false
        }
    }

    /// When the open object's interval ends.
    var dueTime: Duration? { open.openedAt.map { $0 + trigger.interval } }

    mutating func appended(_ answer: Appended) {
        step = .none
        open.end = answer.end
        open.messages += answer.messages
        open.messageBytes += answer.messageBytes
        open.heldBytes = answer.heldBytes
        // A range without a message is not due by time: it waits for its first.
        if open.messages == 0 { open.openedAt = nil }
        advanceInput(to: answer.next)
        switch answer.stop {
        case nil: break
        case .otherVersion, .fullOfDays: open.isSealRequested = true
        case .newerVersion:
            inputs = []
            // A partition that is already being given back stays so.
            if ending == nil { ending = .newerVersion }
        }
        updateBehind()
    }

    private mutating func advanceInput(to next: Int) {
        guard case .records(let batch, _, let arrived) = inputs.first else { return }
        if next < batch.records.count {
            inputs[0] = .records(batch, from: next, arrived: arrived)
        } else {
            inputs.removeFirst()
        }
    }

    mutating func finished(_ object: FinishedObject) -> FlusherAction {
        step = .none
        open = OpenObject(start: object.range.upperBound)
        pending.append(PendingObject(object))
        updateBehind()
        return .put(id(of: object), object)
    }

    /// More waits than a partition should hold: it is not read until some of it is done.
    ///
    /// What a log reads ahead waits there; here only as much as keeps the encoders at work.
    private mutating func updateBehind() {
        let waiting = inputs.count + pending.count
        let bytes = inputs.reduce(0) { $0 + $1.byteCount }
        if waiting >= 8 || bytes >= Self.waitingBytes {
            isBehind = true
        } else if waiting <= 2, bytes <= Self.waitingBytes / 2 {
            isBehind = false
        }
    }

    private static let waitingBytes = 3 << 20

    // MARK: Putting and committing

    func id(of object: FinishedObject) -> ObjectID { ObjectID(assignment: assignment, start: object.range.lowerBound) }

    mutating func stored(_ id: ObjectID) {
        guard let index = index(of: id) else { return }
        pending[index].isStored()
    }

    /// - Returns: how often the put has failed.
    mutating func putFailed(_ id: ObjectID) -> Int? {
        guard let index = index(of: id) else { return nil }
        return pending[index].failed()
    }

    mutating func putAgain(_ id: ObjectID) -> FlusherAction? {
        guard let index = index(of: id), pending[index].tryAgain() else { return nil }
        return .put(id, pending[index].object)
    }

    private func index(of id: ObjectID) -> Int? {
        pending.firstIndex { $0.object.range.lowerBound == id.start }
    }

    /// What can be committed now: the leading objects that are stored, where they move the position.
    ///
    /// The range before a first start ends where the group stands; it goes with the first object after it.
    var committable: CommitPart? {
        let objects = pending.prefix { $0.state == .stored }.map(\.object)
        let part = CommitPart(assignment: assignment, position: position, objects: objects)
        return part.end > position ? part : nil
    }

    mutating func committed(_ part: CommitPart) {
        position = part.end
        pending.removeFirst(part.objects.count)
        updateBehind()
    }

    // MARK: What the machine asks

    /// Objects that are on their way to the store: due and being encoded, or being put.
    func underWay(now: Duration, isDraining: Bool) -> [ObjectID] {
        let isDue = isDraining || ending != nil || dueTime.map { $0 <= now } ?? false
        let isClosing = step == .finishing || (step == .appending && isDue)
        let closing = isClosing ? [ObjectID(assignment: assignment, start: open.start)] : []
        return closing + pending.filter { $0.state == .putting }.map { id(of: $0.object) }
    }

    /// The store has refused an object and has not yet taken it.
    var isHeld: Bool { pending.contains { $0.attempts > 0 && $0.state != .stored } }

    /// Nothing is left that a flush could commit.
    var isFlushed: Bool {
        step == .none && inputs.isEmpty && open.messages == 0
            && pending.allSatisfy { $0.state == .stored && $0.object.range.upperBound <= position }
    }

    var bufferedBytes: Int {
        inputs.reduce(open.heldBytes) { $0 + $1.byteCount } + pending.reduce(0) { $0 + $1.heldBytes }
    }
}
