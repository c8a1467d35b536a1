import CRdKafka
import Dispatch
import EventLog
import Synchronization

/// Has librdkafka fetch again at once for partitions whose queues were full.
///
/// librdkafka before 2.2 decides what to fetch whenever the thread of a broker's connection wakes: by an answer, a
/// request, or a second that has passed. Where all that it reads ahead is full nothing is under way, and it sleeps on
/// while the queues are emptied. Later versions have `fetch.queue.backoff.ms` for it. So we make a request of the
/// partition's broker, the cheapest there is.
final class FetchReminder: Sendable {
    private struct State {
        var waiting: Set<TopicPartition> = []
        var isUnderWay = false
    }

    private let client: Client
    /// A request blocks.
    private let queue = DispatchQueue(label: "kafka fetches")
    private let state = Mutex(State())
    /// Milliseconds for a request, which nobody waits for.
    private static let patience: Int32 = 1000

    /// nil where this librdkafka needs no reminder.
    init?(_ client: Client) {
        // As librdkafka writes its version: major, minor, revision and release, a byte each.
        guard rd_kafka_version() < 0x0202_0000 else { return nil }
        self.client = client
    }

    func remind(of partition: TopicPartition) {
        let begins = state.withLock { state in
            state.waiting.insert(partition)
            defer { state.isUnderWay = true }
            return !state.isUnderWay
        }
        guard begins else { return }
        queue.async { [self] in
            while let partitions = next() {
                // The answer, where each partition ends, is not needed.
                let list = PartitionList(
                    Dictionary(uniqueKeysWithValues: partitions.map { ($0, crdkafka_last_offset) }))
                rd_kafka_offsets_for_times(client.pointer, list.pointer, Self.patience)
            }
        }
    }

    private func next() -> Set<TopicPartition>? {
        state.withLock { state in
            defer { state.waiting = [] }
            state.isUnderWay = !state.waiting.isEmpty
            return state.isUnderWay ? state.waiting : nil
        }
    }
}
