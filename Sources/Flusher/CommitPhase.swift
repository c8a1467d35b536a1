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
    /// After a commit of several partitions that was fenced or too large, each is committed alone, to find those that
    /// are no longer ours or no message of the log can hold.
    private var alone: Set<Assignment> = []
    /// How often the log has refused a partition's own commit as too large.
    private var tooLarge: [Assignment: Int] = [:]
    /// Those of them that pause before the next try. They keep no other partition waiting.
    private var resting: Set<Assignment> = []

    var isUnderWay: Bool { state == .underWay }

    /// The log has refused to commit the partition and has not yet taken it.
    func isHeld(_ assignment: Assignment) -> Bool { attempts > 0 || tooLarge[assignment] != nil }

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
        let ready = flows.values.filter { $0.ending != .fenced && !resting.contains($0.assignment) }
            .compactMap(\.committable).sorted { $0.assignment.partition < $1.assignment.partition }
        alone.formIntersection(ready.map(\.assignment))
        let single = ready.first { alone.contains($0.assignment) || tooLarge[$0.assignment] != nil }
        let chosen = single.map { [$0] } ?? ready
        guard !chosen.isEmpty else { return nil }
        state = .underWay
        parts = chosen
        return chosen
    }

    /// - Returns: what was committed.
    mutating func succeeded() -> [CommitPart] {
        state = .idle
        attempts = 0
        for part in parts { forget(part.assignment) }
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

    /// A message of the commit is larger than the log takes, which waiting alone does not mend.
    ///
    /// - Returns: the partition that it is of and how often it was refused, where the commit was of it alone.
    mutating func wasTooLarge() -> (part: CommitPart, attempt: Int)? {
        guard let part = endOfRefused() else { return nil }
        let attempt = tooLarge[part.assignment, default: 0] + 1
        tooLarge[part.assignment] = attempt
        resting.insert(part.assignment)
        return (part, attempt)
    }

    mutating func rested(_ assignment: Assignment) { resting.remove(assignment) }

    /// The partition was committed, or is no longer ours.
    mutating func forget(_ assignment: Assignment) {
        alone.remove(assignment)
        tooLarge[assignment] = nil
        resting.remove(assignment)
    }

    mutating func waited() { if state == .waiting { state = .idle } }

    /// - Returns: the partition that is no longer ours, where the commit was of it alone.
    mutating func fenced() -> CommitPart? { endOfRefused() }

    /// Ends a commit that will not be taken as it is.
    ///
    /// - Returns: the partition, where it was of one alone; else each is to be tried alone.
    private mutating func endOfRefused() -> CommitPart? {
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
