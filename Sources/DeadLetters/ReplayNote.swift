import EventLog
import Foundation
import Lake
import MarketData

/// A message of `pregao.replays`: that a letter was replayed. It is appended in the commit that appends the message
/// itself, under the letter's position as its key.
struct ReplayNote: Codable, Hashable, Sendable {
    static let topic = "pregao.replays"
    static let partition = TopicPartition(topic: topic, partition: 0)
    static let declaration = TopicDeclaration(name: topic, partitions: 1, retention: Retention(.compact))

    /// The letter's position, as `0/17`.
    let letter: String
    /// Of the letter's bytes.
    let sha256: String
    /// The topic that the message was appended to.
    let topic: String
    /// Whether other bytes were appended than the letter's.
    let corrected: Bool
    let replayedAt: String

    private enum CodingKeys: String, CodingKey {
        case letter, sha256, topic, corrected
        case replayedAt = "replayed_at"
    }

    init(of found: FoundLetter, to topic: String, corrected: Bool, at time: Instant) {
        letter = found.position.description
        sha256 = found.sha256
        self.topic = topic
        self.corrected = corrected
        replayedAt = "\(time)"
    }

    var message: OutgoingMessage {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // JSONEncoder fails on numbers that are not finite and on types without a JSON form; there are none here.
        let value = (try? encoder.encode(self)).map { Array($0) }
        return OutgoingMessage(topic: Self.topic, key: Array(letter.utf8), value: value)
    }
}

/// What was replayed, by the word of the log.
struct ReplayNotes: Sendable {
    private var notes: [LetterPosition: ReplayNote] = [:]

    /// Reads all that there are; none where nothing was ever replayed.
    ///
    /// - Throws: ``LogError`` where not all of them can be read.
    init(of log: any EventLog) async throws {
        for (partition, marks) in try await log.marks(of: ReplayNote.topic) {
            try await log.visit(partition, marks.start..<marks.end) { batch, record in
                // Anybody may append to a topic: what is no note says nothing.
                guard let value = batch.value(of: record),
                    let note = try? JSONDecoder().decode(ReplayNote.self, from: Data(value)),
                    let position = LetterPosition(note.letter)
                else { return }
                notes[position] = note
            }
        }
    }

    /// When the letter was replayed; nil where it was not.
    func time(of found: FoundLetter) -> Instant? {
        guard let note = notes[found.position], note.sha256 == found.sha256 else { return nil }
        return Instant(rfc3339: note.replayedAt) ?? Instant(microseconds: 0)
    }
}
