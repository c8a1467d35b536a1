import EventLog
import Lake
import MarketData

@testable import Flusher

/// A state machine with hands that do its work only when the test says so: no clock, no file, no log.
struct SteppedFlusher {
    var machine: FlusherStateMachine
    var now = Duration.zero
    /// Asked for and not yet answered, in order.
    var work: [FlusherAction] = []
    /// Everything that was asked for.
    var asked: [FlusherAction] = []
    var paused: Set<TopicPartition> = []
    /// What each commit said, in order.
    var commits: [[CommitPart]] = []
    var reports: [FlusherReport] = []
    var released: [TopicPartition] = []
    var hasLeft = false
    /// At this offset the next message is of a version of its own, or of a newer one.
    var otherVersions: Set<Offset> = []
    var newerVersions: [Offset: Int] = [:]
    /// With the message at this offset the object has all the days that it may have.
    var fullAfter: Set<Offset> = []
    /// Told what the driver tells them.
    let parts: FlusherParts?
    private var held: [Assignment: Int] = [:]

    init(_ trigger: BatchTrigger = BatchTrigger(), memoryLimit: Int = 96 << 20, parts: FlusherParts? = nil) {
        machine = FlusherStateMachine(triggers: ["t": trigger], memoryLimit: memoryLimit)
        self.parts = parts
    }

    mutating func tell(_ event: FlusherEvent) {
        let actions = machine.handle(event, now: now)
        asked += actions
        for action in actions {
            switch action {
            case .append, .finish, .put, .commit, .wait: work.append(action)
            case .pause(let partitions): paused.formUnion(partitions)
            case .resume(let partitions): paused.subtract(partitions)
            case .release(let partitions): released += partitions.sorted()
            case .discard(let assignment): parts?.forget(assignment.partition)
            case .report(let report):
                reports.append(report)
                parts?.report(report)
            case .leave: hasLeft = true
            }
        }
    }

    mutating func own(_ partitions: TopicPartition..., at position: Offset = 0, isFirst: Bool = false) {
        let start = StartingPoint(position: position, isFirst: isFirst)
        tell(.assigned(Dictionary(uniqueKeysWithValues: partitions.map { ($0, start) })))
    }

    mutating func pass(_ duration: Duration) {
        now += duration
        tell(.tick)
    }

    /// Does the work asked for, and what follows from it, as long as `mayDo` lets it; the rest is kept.
    mutating func work(while mayDo: (FlusherAction) -> Bool = { _ in true }) {
        while let index = work.firstIndex(where: { action in
            if case .wait = action { false } else { mayDo(action) }
        }) {
            perform(work.remove(at: index))
        }
    }

    mutating func endWaits() {
        let waits = work.compactMap { action in if case .wait(let wait, _) = action { wait } else { nil } }
        work.removeAll { if case .wait = $0 { true } else { false } }
        for wait in waits { tell(.waited(wait)) }
    }

    private mutating func perform(_ action: FlusherAction) {
        switch action {
        case .append(let assignment, let batch, let index, let room):
            tell(.appended(assignment, append(assignment, batch, from: index, room: room)))
        case .finish(let assignment, let range, let reason):
            held[assignment] = nil
            tell(.finished(assignment, finished(range, reason)))
        case .put(let id, _):
            parts?.stored(id)
            tell(.put(id))
        case .commit(let commit):
            commits.append(commit)
            parts?.committed(commit)
            tell(.committed)
        default: break
        }
    }

    private mutating func append(_ assignment: Assignment, _ batch: RecordBatch, from index: Int, room: Room)
        -> Appended
    {
        var next = index
        var bytes = 0
        var stop: Appended.Stop?
        while next < batch.records.count, next == index || bytes < room.bytes,
            room.messages.map({ next - index < $0 }) ?? true
        {
            let offset = batch.records[next].offset
            if otherVersions.remove(offset) != nil { stop = .otherVersion }
            if let version = newerVersions[offset] { stop = .newerVersion(version) }
            if stop != nil { break }
            bytes += batch.records[next].byteCount
            next += 1
            if fullAfter.contains(offset) {
                stop = .fullOfDays
                break
            }
        }
        held[assignment, default: 0] += bytes
        let end = next < batch.records.count ? batch.records[next].offset : batch.nextOffset
        return Appended(
            next: next, end: end, messages: next - index, messageBytes: bytes, heldBytes: held[assignment] ?? 0,
            stop: stop)
    }

    private func finished(_ range: Range<Offset>, _ reason: EmptyReason?) -> FinishedObject {
        let summary = ObjectSummary(
            key: "\(range)", size: 10, sha256: "", schemaVersion: 1, rows: reason == nil ? range.count : 0, rejected: 0,
            emptyReason: reason, days: [])
        return FinishedObject(
            range: range, summary: summary, contents: [("\(range)", Array(repeating: 0, count: 10))], deadLetters: [])
    }

    // MARK: What a test looks at

    /// The ranges of each commit: `t/0 [0,3) [3,5)`.
    var committed: [String] {
        commits.map { parts in
            parts.map { part in
                let ranges = part.objects.map { "[\($0.range.lowerBound),\($0.range.upperBound))" }
                return "\(part.assignment.partition) \(ranges.joined(separator: " "))"
            }.joined(separator: ", ")
        }
    }

    func askedForPuts() -> Int { asked.count { if case .put = $0 { true } else { false } } }
}

extension TopicPartition {
    static let first = TopicPartition(topic: "t", partition: 0)
    static let second = TopicPartition(topic: "t", partition: 1)
}

extension RecordBatch {
    /// Messages of `size` bytes each at consecutive offsets.
    ///
    /// - Parameter time: the log's, when it took the first.
    static func of(
        _ partition: TopicPartition, from start: Offset, count: Int, size: Int = 10,
        at time: Instant = Instant(microseconds: 0)
    ) -> RecordBatch {
        var batch = RecordBatch(source: partition, startingAt: start)
        let value = [UInt8](repeating: 1, count: size)
        for offset in start..<start + Int64(count) {
            value.withUnsafeBytes {
                batch.append(offset: offset, timestamp: time.adding(microseconds: offset), key: nil, value: $0)
            }
        }
        return batch
    }
}

extension FlusherAction {
    var isPut: Bool { if case .put = self { true } else { false } }
    var isCommit: Bool { if case .commit = self { true } else { false } }
    var isEncoding: Bool {
        switch self {
        case .append, .finish: true
        default: false
        }
    }
}

// MARK: Faults

extension SteppedFlusher {
    /// The store refuses every put that is asked for.
    mutating func refusePuts(_ kind: StoreError.Kind = .unavailable) {
        let puts = work.compactMap { action in if case .put(let id, _) = action { id } else { nil } }
        work.removeAll(where: \.isPut)
        for id in puts { tell(.putFailed(id, StoreError(kind, doing: "put", cause: "refused"))) }
    }

    mutating func refuseCommit(_ kind: LogError.Kind) {
        work.removeAll(where: \.isCommit)
        tell(.commitFailed(LogError(kind, doing: "commit", cause: "refused")))
    }

    /// The tries before which a pause is being made.
    var waits: [Int] { work.compactMap { action in if case .wait(_, let attempt) = action { attempt } else { nil } } }

    var partitionsBeingCommitted: [TopicPartition] {
        work.flatMap { action in
            if case .commit(let parts) = action { parts.map(\.assignment.partition) } else { [TopicPartition]() }
        }
    }
}
