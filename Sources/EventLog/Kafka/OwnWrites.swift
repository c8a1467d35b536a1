import EventLog
import Foundation
import Synchronization

/// How far this opening of the log has written. A transaction is committed before its markers are in every partition,
/// and only then do readers see its messages: who reads what this opening wrote waits for that, some milliseconds.
final class OwnWrites: Sendable {
    private let ends = Mutex<[TopicPartition: Offset]>([:])

    func note(_ positions: [LogPosition]) {
        ends.withLock { ends in
            for position in positions {
                ends[position.partition] = max(ends[position.partition] ?? 0, position.offset + 1)
            }
        }
    }

    /// The partitions written to.
    var partitions: [TopicPartition] { ends.withLock { $0.keys.sorted() } }

    /// The watermarks of committed messages, once they cover what was written. Blocks.
    func watermarks(of source: TopicPartition, by client: Client, patience: Duration) throws(KafkaFault) -> Watermarks {
        let deadline = ContinuousClock.now + patience
        while true {
            let marks: Watermarks
            do throws(KafkaFault) {
                marks = try client.watermarks(of: source, timeout: patience.inMilliseconds)
            } catch {
                guard error.kind == .busy, ContinuousClock.now < deadline else { throw error }
                // The partition's leader may be another now.
                client.refreshMetadata()
                Thread.sleep(forTimeInterval: 0.02)
                continue
            }
            let end = ends.withLock { $0[source] ?? 0 }
            if marks.end >= end {
                ends.withLock { if $0[source] == end { $0[source] = nil } }
                return marks
            }
            // A topic that was made anew never comes to cover what was written to the old one.
            if ContinuousClock.now >= deadline {
                ends.withLock { $0[source] = nil }
                return marks
            }
            Thread.sleep(forTimeInterval: 0.002)
        }
    }
}
