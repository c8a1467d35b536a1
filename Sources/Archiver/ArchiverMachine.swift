import EventLog
import Lake

/// What waits in each partition of `pregao.objects`, and what may be taken next. Times are durations since any fixed
/// moment of a clock that never jumps.
struct ArchiverMachine {
    private struct Queue {
        var waiting: [Arrival] = []
        var oldestSince: Duration = .zero
        /// The group's position.
        var position: Offset
        var heldUntil: Duration?
        var failures = 0
        var reason = ""
    }

    private let settings: ArchiverSettings
    private var queues: [TopicPartition: Queue] = [:]
    private var isDraining = false

    init(settings: ArchiverSettings) { self.settings = settings }

    /// Partitions that wait for a store or the catalog, with the reason: what `status` shows.
    var held: [TopicPartition: String] {
        queues.compactMapValues { $0.heldUntil == nil ? nil : $0.reason }
    }

    /// Partitions of which no more should be read for now, since enough of them waits.
    var overfull: Set<TopicPartition> {
        Set(queues.filter { isOverfull($0.value) }.keys)
    }

    private func isOverfull(_ queue: Queue) -> Bool { queue.waiting.count >= settings.batchCount * 10 }

    mutating func assigned(_ positions: [TopicPartition: Offset]) {
        for (partition, position) in positions { queues[partition] = Queue(position: position) }
    }

    /// The partitions are gone; what waited is read again by their new owner.
    mutating func dropped(_ partitions: Set<TopicPartition>) {
        for partition in partitions { queues[partition] = nil }
    }

    mutating func received(_ arrivals: [Arrival], now: Duration) {
        for arrival in arrivals {
            guard var queue = queues[arrival.partition] else { continue }
            queues[arrival.partition] = nil
            if queue.waiting.isEmpty { queue.oldestSince = now }
            queue.waiting.append(arrival)
            queues[arrival.partition] = queue
        }
    }

    /// From now on whatever waits is due, what is held included, once.
    mutating func drain() {
        isDraining = true
        for partition in queues.keys { queues[partition]?.heldUntil = nil }
    }

    /// Whether every partition that is not held is done up to its end; false while there is no partition.
    func hasReached(_ ends: [TopicPartition: Offset]) -> Bool {
        !queues.isEmpty
            && queues.allSatisfy { partition, queue in
                queue.heldUntil != nil || (queue.waiting.isEmpty && queue.position >= ends[partition] ?? .max)
            }
    }

    /// Whether of every partition enough waits, or all of it up to its end; false while there is no partition.
    func hasRead(_ ends: [TopicPartition: Offset]) -> Bool {
        !queues.isEmpty
            && queues.allSatisfy { partition, queue in
                isOverfull(queue)
                    || (queue.waiting.last?.nextOffset ?? queue.position) >= ends[partition] ?? .max
            }
    }

    /// The group's position is further than was known: what lies before it is done.
    mutating func moved(_ partition: TopicPartition, to position: Offset) {
        queues[partition]?.position = position
        queues[partition]?.waiting.removeAll { $0.nextOffset <= position }
        // What held it back may be among what is done.
        queues[partition]?.heldUntil = nil
        queues[partition]?.failures = 0
    }

    /// How long nothing will be due, where no event comes; nil for as long as one likes.
    func wait(now: Duration) -> Duration? {
        let moments = queues.values.filter { !$0.waiting.isEmpty }.map { queue in
            max(queue.heldUntil ?? .zero, isDue(queue) ? now : queue.oldestSince + settings.window)
        }
        return moments.min().map { max(.zero, $0 - now) }
    }

    /// Whether it is not to wait for the window: what is held waits for the end of its pause alone.
    private func isDue(_ queue: Queue) -> Bool {
        isDraining || queue.heldUntil != nil || queue.waiting.count >= settings.batchCount
    }

    /// The next batch: of every partition that is due and not held, its first arrivals, in order. The partition that has
    /// waited longest comes first, so that none starves behind a busy one.
    func dueBatch(now: Duration) -> [Arrival] {
        var batch: [Arrival] = []
        for (_, queue) in queues.sorted(by: { ($0.value.oldestSince, $0.key) < ($1.value.oldestSince, $1.key) }) {
            guard !queue.waiting.isEmpty, queue.heldUntil ?? .zero <= now,
                isDue(queue) || queue.oldestSince + settings.window <= now
            else { continue }
            batch += queue.waiting.prefix(settings.batchCount - batch.count)
            if batch.count >= settings.batchCount { break }
        }
        return batch
    }

    /// The advance of a partition whose first `count` arrivals are done.
    func advance(of partition: TopicPartition, by count: Int) -> CommitBatch.Advance? {
        guard count > 0, let queue = queues[partition], queue.waiting.count >= count else { return nil }
        return CommitBatch.Advance(
            partition: partition, start: queue.position, end: queue.waiting[count - 1].nextOffset)
    }

    /// The first `count` arrivals are in the catalog and committed.
    mutating func committed(_ partition: TopicPartition, count: Int, now: Duration) {
        guard var queue = queues[partition] else { return }
        queue.position = queue.waiting[count - 1].nextOffset
        queue.waiting.removeFirst(count)
        queue.oldestSince = now
        queue.heldUntil = nil
        queue.failures = 0
        queues[partition] = queue
    }

    /// The partition's next arrival cannot be done now; it is tried again after a pause that grows.
    mutating func hold(_ partition: TopicPartition, reason: String, now: Duration) {
        guard var queue = queues[partition] else { return }
        let pause = settings.firstPause * (1 << min(queue.failures, 16))
        queue.heldUntil = now + min(pause, settings.longestPause)
        queue.failures += 1
        queue.reason = reason
        queues[partition] = queue
    }
}
