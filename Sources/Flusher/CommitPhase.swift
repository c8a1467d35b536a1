import EventLog

/// Which objects the next commit waits for, and the commit that is under way.
///
/// One commit covers every partition that is due: it waits for the objects under way when it was first thought of, and
/// for no later one, so that a steady stream cannot put it off. An object that the store refuses is not waited for.
struct CommitPhase {
    private enum State { case idle, underWay, waiting }

    private var state = State.idle
    /// What the commit under way covers.
    private(set) var parts: [CommitPart] = []
    private var awaited: Set<ObjectID>?
    private var attempts = 0
    /// After a fenced commit of several partitions, each is committed alone, to find those that are no longer ours.
    private var alone: Set<Assignment> = []

    var isUnderWay: Bool { state == .underWay }

    /// The log has refused a commit and has not yet taken it.
    var isHeld: Bool { attempts > 0 }

    func covers(_ assignment: Assignment) -> Bool {
        state == .underWay && parts.contains { $0.assignment == assignment }
    }

    /// The commit to make now, if it is time for one.
    mutating func next(_ flows: [TopicPartition: PartitionFlow], now: Duration, isDraining: Bool) -> [CommitPart]? {
        guard state == .idle else { return nil }
        let underWay = Set(flows.values.flatMap { $0.underWay(now: now, isDraining: isDraining) })
        let stillAwaited = awaited?.intersection(underWay) ?? underWay
        awaited = stillAwaited
        guard stillAwaited.isEmpty else { return nil }
        awaited = nil
        let ready = flows.values.filter { $0.ending != .fenced }.compactMap(\.committable)
            .sorted { $0.assignment.partition < $1.assignment.partition }
        alone.formIntersection(ready.map(\.assignment))
        let chosen = alone.isEmpty ? ready : Array(ready.filter { alone.contains($0.assignment) }.prefix(1))
        guard !chosen.isEmpty else { return nil }
        state = .underWay
        parts = chosen
        return chosen
    }

    /// - Returns: what was committed.
    mutating func succeeded() -> [CommitPart] {
        state = .idle
        attempts = 0
        alone.subtract(parts.map(\.assignment))
        defer { parts = [] }
        return parts
    }

    /// The log refused, and may take it later.
    ///
    /// - Returns: how often it has refused.
    mutating func failed() -> Int {
        state = .waiting
        attempts += 1
        return attempts
    }

    mutating func waited() { if state == .waiting { state = .idle } }

    /// - Returns: the partition that is no longer ours, where the commit was of it alone.
    mutating func fenced() -> CommitPart? {
        state = .idle
        attempts = 0
        defer { parts = [] }
        guard parts.count == 1, let part = parts.first else {
            alone = Set(parts.map(\.assignment))
            return nil
        }
        alone.remove(part.assignment)
        return part
    }
}
