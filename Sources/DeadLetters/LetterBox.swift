import EventLog
import Lake
import MarketData

/// Reads `pregao.dead-letters`, and changes nothing.
public struct LetterBox: Sendable {
    private let log: any EventLog
    private let raw: any ObjectStore

    /// - Parameter raw: holds the letters that were too large to send.
    public init(log: any EventLog, raw: any ObjectStore) {
        self.log = log
        self.raw = raw
    }

    /// Every letter that is selected, by position.
    public func visit(
        _ selection: LetterSelection = LetterSelection(), _ body: (FoundLetter) async throws -> Void
    ) async throws {
        try await visit(selection, notes: try await ReplayNotes(of: log), body)
    }

    func visit(
        _ selection: LetterSelection, notes: ReplayNotes, _ body: (FoundLetter) async throws -> Void
    ) async throws {
        let extents = try await log.marks(of: DeadLetter.topic)
        for (partition, marks) in extents.sorted(by: { $0.key < $1.key }) {
            let range = selection.offsets(of: partition.partition, in: marks.start..<max(marks.start, marks.end))
            try await log.visit(partition, range) { batch, record in
                let position = LetterPosition(partition: partition.partition, offset: record.offset)
                var found = FoundLetter(
                    position: position, arrived: record.timestamp, value: batch.value(of: record))
                found.replayedAt = notes.time(of: found)
                if selection.selects(found) { try await body(found) }
            }
        }
    }

    /// - Returns: nil where the log has no letter there, or no longer.
    public func letter(at position: LetterPosition) async throws -> FoundLetter? {
        var selection = LetterSelection()
        selection.positions = [position]
        var letter: FoundLetter?
        try await visit(selection) { letter = $0 }
        return letter
    }

    /// The message as it was: what the letter holds, or what the object that it names holds.
    ///
    /// - Throws: ``LetterContentFault`` where there is no such message; ``StoreError`` where the store cannot be read.
    public func message(of letter: DeadLetter) async throws -> OriginalMessage {
        switch letter.content {
        case .inline: return try inlineMessage(of: letter)
        case .stored(let key):
            let bytes: [UInt8]
            do throws(StoreError) {
                bytes = try await raw.read(key)
            } catch {
                guard !error.isTransient else { throw error }
                throw LetterContentFault(description: "its message was kept as \(key), and \(error)")
            }
            // The name holds the content's digest, so that a letter can name no other object than its own.
            guard let stored = try? DeadLetter.parse(bytes), key.hasPrefix("dead-letters/"),
                key.hasSuffix("-\(SHA256.hexadecimal(of: bytes).prefix(16)).json"), stored.isOf(letter)
            else { throw LetterContentFault(description: "\(key) does not hold its message") }
            return try inlineMessage(of: stored)
        }
    }

    private func inlineMessage(of letter: DeadLetter) throws -> OriginalMessage {
        guard let message = letter.inlineMessage else {
            throw LetterContentFault(description: "the object that it names names another")
        }
        return message
    }
}

/// Why a letter's message cannot be had.
public struct LetterContentFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}

extension DeadLetter {
    fileprivate func isOf(_ other: DeadLetter) -> Bool {
        topic == other.topic && partition == other.partition && offset == other.offset
    }
}
