import EventLog
import Runtime

/// Letters that go in one commit, each with its message and its note.
struct ReplayBatch {
    private(set) var letters: [FoundLetter] = []
    private(set) var messages: [OutgoingMessage] = []
    private(set) var byteCount = 0

    var count: Int { letters.count }

    mutating func append(_ found: FoundLetter, _ message: OutgoingMessage, _ note: OutgoingMessage) {
        letters.append(found)
        messages += [message, note]
        byteCount += (message.key?.count ?? 0) + (message.value?.count ?? 0) + message.headers.byteCount
    }

    /// Each letter in a batch of its own.
    var singles: [ReplayBatch] {
        letters.indices.map { index in
            var single = ReplayBatch()
            single.append(letters[index], messages[2 * index], messages[2 * index + 1])
            return single
        }
    }
}

/// Commits batches as the one member of the replays' group.
struct ReplayCommitter {
    let consumer: any GroupConsumer
    /// Where the group stands. It does not move: what counts is that no other member can commit there.
    let position: CommitBatch.Advance

    init(consumer: any GroupConsumer, position: CommitBatch.Advance) {
        self.consumer = consumer
        self.position = position
    }

    /// Commits and empties the batch.
    func commit(_ batch: inout ReplayBatch, report: (FoundLetter, Replay.Outcome) -> Void) async throws {
        let whole = batch
        batch = ReplayBatch()
        guard whole.count > 0 else { return }
        try await heed()
        do throws(LogError) {
            try await commit(whole, report: report)
        } catch {
            guard error.kind == .messageTooLarge else { throw error }
            // With its new header it is longer than it was. The others need not wait for it.
            for single in whole.singles {
                do throws(LogError) {
                    try await commit(single, report: report)
                } catch {
                    guard error.kind == .messageTooLarge else { throw error }
                    for letter in single.letters { report(letter, .failed(error.cause)) }
                }
            }
        }
    }

    private func commit(_ batch: ReplayBatch, report: (FoundLetter, Replay.Outcome) -> Void) async throws(LogError) {
        let places = try await consumer.commit(CommitBatch(advances: [position], appends: batch.messages))
        Waypoint.replayCommitted.reached()
        for (index, letter) in batch.letters.enumerated() { report(letter, .replayed(places[2 * index])) }
    }

    /// Hears of another replay that has come.
    private func heed() async throws(LogError) {
        while let event = try await consumer.next(waitingAtMost: .zero) {
            switch event {
            case .revoking(let partitions):
                try await consumer.release(partitions)
                throw Self.overtaken
            case .lost: throw Self.overtaken
            case .assigned, .trimmed, .records: continue
            }
        }
    }

    private static let overtaken = LogError(
        .fenced, doing: "replay dead letters", cause: "another replay has begun, and goes on from here")
}
