import EventLog
import MarketData
import Runtime
import Synchronization

/// Stands in for the log, whose own cost is another benchmark's: it counts what is appended and forgets it.
final class NullLog: EventLog {
    let epoch = "benchmrk"
    let hasOffsetGaps = false
    private let counts = Mutex<[String: Int]>([:])

    func count(of topic: String) -> Int { counts.withLock { $0[topic] ?? 0 } }

    func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {}

    func topics() async throws(LogError) -> [TopicDeclaration] { [] }

    func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        counts.withLock { counts in
            for message in messages { counts[message.topic, default: 0] += 1 }
        }
        return []
    }

    func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        throw LogError(.closed, doing: "join \(group)", cause: "there are no groups here")
    }

    func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] { [:] }

    func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] { [:] }

    func read(_ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int)
        async throws(LogError) -> RecordBatch
    {
        RecordBatch(source: partition, startingAt: end)
    }

    func applyRetention(now: Instant?) async throws(LogError) {}

    func close() async {}
}
