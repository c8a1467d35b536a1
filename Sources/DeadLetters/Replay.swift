import EventLog
import Lake
import MarketData
import Runtime

/// Appends the messages of letters to their topics again, each once.
///
/// A message and the note that it was replayed are appended in one commit of the group ``group``, which one member at a
/// time can make. The notes are read once the member has the group to itself, after every commit of those before it. So
/// that a letter is replayed once, whatever dies, and whoever replays at the same time.
public struct Replay: Sendable {
    public static let group = "pregao.replay"
    /// The same for everybody: whoever comes puts out who was there.
    static let instance = "replay"

    public enum Outcome: Hashable, Sendable {
        /// The message is at this position now.
        case replayed(LogPosition)
        /// The message would be replayed.
        case wouldReplay
        case alreadyReplayed(at: Instant)
        /// It cannot be replayed, for this reason.
        case failed(String)
    }

    /// What one commit holds at most: a transaction is to be short.
    private static let lettersAtOnce = 100
    private static let bytesAtOnce = 4 << 20

    private let log: any EventLog
    private let box: LetterBox
    private let clock: any WallClock

    public init(log: any EventLog, raw: any ObjectStore, clock: any WallClock) {
        self.log = log
        box = LetterBox(log: log, raw: raw)
        self.clock = clock
    }

    /// Says what ``run(_:corrected:report:)`` would do, and does nothing.
    public func rehearse(
        _ selection: LetterSelection, report: (FoundLetter, Outcome) -> Void
    ) async throws {
        var topics = KnownTopics(log: log)
        try await box.visit(selection) { found in
            switch try await message(of: found, corrected: nil, &topics) {
            case .success: report(found, .wouldReplay)
            case .failure(let ending): report(found, ending.outcome)
            }
        }
    }

    /// - Parameters:
    ///   - corrected: the value to append in place of the message's own.
    ///   - report: is told of each letter once, when what it is told is so.
    /// - Throws: ``LogError`` of kind `fenced` where another replay has taken over. What was reported stays done, and
    ///   what was not may be done: another run finds out, and does the rest.
    public func run(
        _ selection: LetterSelection, corrected: [UInt8]? = nil, report: (FoundLetter, Outcome) -> Void
    ) async throws {
        try await log.declare(ReplayNote.declaration)
        let consumer = try await log.join(group: Self.group, instance: Self.instance, topics: [ReplayNote.topic])
        do {
            guard let position = try await Self.assignedPosition(of: consumer) else { throw CancellationError() }
            await consumer.pause([ReplayNote.partition])
            let committer = ReplayCommitter(consumer: consumer, position: position)
            let notes = try await ReplayNotes(of: log)
            var topics = KnownTopics(log: log)
            var batch = ReplayBatch()
            try await box.visit(selection, notes: notes) { found in
                switch try await message(of: found, corrected: corrected, &topics) {
                case .failure(let ending): report(found, ending.outcome)
                case .success(let message):
                    let note = ReplayNote(
                        of: found, to: message.topic, corrected: corrected != nil, at: clock.now())
                    batch.append(found, message, note.message)
                    guard batch.count >= Self.lettersAtOnce || batch.byteCount >= Self.bytesAtOnce else { return }
                    try await committer.commit(&batch, report: report)
                }
            }
            try await committer.commit(&batch, report: report)
        } catch {
            await consumer.leave()
            throw error
        }
        await consumer.leave()
    }

    /// Waits until the notes' partition is this member's.
    ///
    /// - Returns: the group's position there; nil where the task was cancelled.
    private static func assignedPosition(of consumer: any GroupConsumer) async throws(LogError) -> Offset? {
        while !Task.isCancelled {
            if case .assigned(let positions)? = try await consumer.next(waitingAtMost: .seconds(1)),
                let position = positions[ReplayNote.partition]
            {
                return position
            }
        }
        return nil
    }

    /// The message to append for the letter, or why there is none.
    private func message(of found: FoundLetter, corrected: [UInt8]?, _ topics: inout KnownTopics) async throws
        -> Result<OutgoingMessage, Ending>
    {
        if let time = found.replayedAt { return .failure(Ending(outcome: .alreadyReplayed(at: time))) }
        let letter: DeadLetter
        switch found.content {
        case .letter(let read): letter = read
        case .unreadable(let reason): return .failure(Ending(outcome: .failed("it is no letter: \(reason)")))
        }
        guard letter.topic != DeadLetter.topic, letter.topic != ReplayNote.topic else {
            return .failure(Ending(outcome: .failed("nothing is replayed to \(letter.topic)")))
        }
        guard try await topics.contains(letter.topic) else {
            return .failure(Ending(outcome: .failed("the log has no topic \(letter.topic)")))
        }
        let original: OriginalMessage
        do {
            original = try await box.message(of: letter)
        } catch let fault as LetterContentFault {
            return .failure(Ending(outcome: .failed(fault.description)))
        }
        // The newest origin alone: its letter names the one before.
        var headers = original.headers.filter { $0.name != OriginalMessage.originHeader }
            .map { Header(name: $0.name, value: $0.value) }
        headers.append(Header(name: OriginalMessage.originHeader, value: Array(found.position.inLog.utf8)))
        return .success(
            OutgoingMessage(
                topic: letter.topic, key: original.key, value: corrected ?? original.value, headers: headers))
    }
}

/// That there is nothing to append.
private struct Ending: Error {
    let outcome: Replay.Outcome
}

/// The topics of a log, asked for once each.
private struct KnownTopics {
    let log: any EventLog
    private var known: [String: Bool] = [:]

    init(log: any EventLog) { self.log = log }

    mutating func contains(_ topic: String) async throws(LogError) -> Bool {
        if let isThere = known[topic] { return isThere }
        let isThere = try await !log.marks(of: topic).isEmpty
        known[topic] = isThere
        return isThere
    }
}
