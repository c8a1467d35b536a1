import EventLog
import JSON
import Lake
import MarketData

/// What a partition's first range began with, in an epoch of the log. It is kept in the store, written once, so that a
/// topic that was deleted and made anew is told from the one before: its offsets are given out again, and a cluster
/// forgets the group's positions with the topic.
struct PartitionBeginning: Hashable, Sendable {
    let source: TopicPartition
    let epoch: String
    /// When the log took the first message; nil where retention took it before it was read.
    let firstMessage: Instant?

    var key: String { "beginnings/\(source.topic)~\(epoch)-\(source.partition).json" }

    /// The same bytes whoever reads the partition from its beginning.
    func json() -> [UInt8] {
        var writer = JSONWriter(reserving: 128)
        writer.beginObject()
        writer.name("topic")
        writer.string(source.topic)
        writer.name("epoch")
        writer.string(epoch)
        writer.name("partition")
        writer.integer(source.partition)
        if let firstMessage {
            writer.name("first_message")
            writer.instant(firstMessage)
        }
        writer.endObject()
        return writer.bytes
    }
}

extension PartitionBeginning {
    /// What it means that the store has another beginning, and what to do.
    fileprivate var difference: String {
        let anew = "Set log.epoch to eight other letters or digits, so that its messages get names of their own"
        if let firstMessage {
            return "it begins with the message of \(firstMessage), and the store's \(key) says otherwise: the topic was"
                + " deleted and made anew. \(anew)"
        }
        return
            "the group has no position, retention has taken the partition's first messages, and by the store's \(key)"
            + " they were read before. Where the topic was made anew: \(anew). Where the cluster forgot the group's"
            + " positions (offsets.retention.minutes): set them to the ends of the ledger's ranges. Where nothing of the"
            + " partition was ever announced: remove that file"
    }
}

extension FlusherParts {
    /// Holds the partition's beginning against the store's, which has it from now on.
    ///
    /// - Throws: a ``StoreError`` where the store does not answer; a ``LogError`` where it has another.
    func claim(_ beginning: PartitionBeginning) async throws {
        do throws(StoreError) {
            try await store.put(beginning.json(), at: beginning.key)
        } catch {
            guard error.kind == .differs else { throw error }
            throw LogError(
                .corrupt, doing: "read \(beginning.source) as group \(settings.group)",
                cause: beginning.difference)
        }
    }
}
