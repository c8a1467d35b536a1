import CRdKafka
import Dispatch
import EventLog

/// A queue of librdkafka's that may tell when it is no longer empty, and what its reader has seen of it.
final class PartitionQueue {
    let pointer: OpaquePointer
    /// What a message took in a batch, on average, in the last batch.
    private(set) var messageBytes = 256
    /// Whether the last that was read said that the partition ends there.
    var isAtEnd = false
    private var wasFull = false
    private var emptySince: ContinuousClock.Instant?

    /// - Parameter context: nil for a reader that waits for the queue itself.
    init?(_ pointer: OpaquePointer?, telling context: ClientContext?) {
        guard let pointer else { return nil }
        self.pointer = pointer
        guard let context else { return }
        // The client outlives its queues, and holds the context.
        rd_kafka_queue_cb_event_enable(
            pointer, { _, opaque in ClientContext.of(opaque)?.news.signal() },
            Unmanaged.passUnretained(context).toOpaque())
    }

    deinit {
        rd_kafka_queue_cb_event_enable(pointer, nil, nil)
        rd_kafka_queue_destroy(pointer)
    }

    /// Messages that wait.
    var count: Int { rd_kafka_queue_length(pointer) }

    func learn(from batch: RecordBatch) {
        guard !batch.records.isEmpty else { return }
        // A few more than the average, so that most batches have room enough.
        messageBytes = batch.byteCount / batch.records.count * 9 / 8 + 1
    }

    /// Tells whether librdkafka may sleep over the queue, from how many messages waited before it was read from and after:
    /// once it was half full, and now is not, or once it has been empty for a while though the partition goes on.
    func needsFetch(before: Int, after: Int, readAheadBytes: Int) -> Bool {
        if before * messageBytes >= readAheadBytes / 2 { wasFull = true }
        if wasFull, after * messageBytes < readAheadBytes / 2 {
            wasFull = false
            return true
        }
        guard after == 0, !isAtEnd else {
            emptySince = nil
            return false
        }
        let now = ContinuousClock.now
        guard let since = emptySince else {
            emptySince = now
            return false
        }
        guard now - since > .milliseconds(50) else { return false }
        emptySince = now
        return true
    }
}
