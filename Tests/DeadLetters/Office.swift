import DeadLetters
import EventLog
import Foundation
import Lake
import MarketData
import Runtime

/// A log and a store of one test's own, with the topics that letters are of.
struct Office {
    static let source = "pregao.prices"

    let log: SQLiteEventLog
    let raw: LocalObjectStore

    static func with(_ body: (Office) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "pregao-letters-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = try await open(folder)
        for topic in [source, DeadLetter.topic] {
            let keepAll = Retention(.delete(age: nil, bytes: nil))
            try await log.declare(TopicDeclaration(name: topic, partitions: 1, retention: keepAll))
        }
        let raw = LocalObjectStore(root: folder.appending(path: "lake").path)
        // A store whose folder is away may come back; an object that a store lacks does not.
        try await raw.put([], at: "raw/first")
        try await body(Office(log: log, raw: raw))
        await log.close()
    }

    private static func open(_ folder: URL) async throws -> SQLiteEventLog {
        try await SQLiteEventLog.open(
            at: folder.appending(path: "log.sqlite").path, settings: SQLiteLogSettings(), clock: SystemWallClock())
    }

    var box: LetterBox { LetterBox(log: log, raw: raw) }

    /// Sends letters, and gives their positions.
    @discardableResult
    func send(_ letters: DeadLetter...) async throws -> [LetterPosition] {
        let sent = try await log.append(
            letters.map { OutgoingMessage(topic: DeadLetter.topic, key: nil, value: $0.json()) })
        return sent.map { LetterPosition(partition: $0.partition.partition, offset: $0.offset) }
    }

    /// Replays, and gives what was said of each letter.
    @discardableResult
    func replay(
        _ selection: LetterSelection = LetterSelection(), corrected: [UInt8]? = nil
    ) async throws -> [LetterPosition: Replay.Outcome] {
        var outcomes: [LetterPosition: Replay.Outcome] = [:]
        try await Replay(log: log, raw: raw, clock: SystemWallClock()).run(selection, corrected: corrected) {
            outcomes[$0.position] = $1
        }
        return outcomes
    }

    /// What lies on the source's topic.
    func messages() async throws -> [OriginalMessage] {
        let partition = TopicPartition(topic: Self.source, partition: 0)
        var found: [OriginalMessage] = []
        var next: Offset = 0
        while true {
            let batch = try await log.read(partition, from: next, to: .max, maximumBytes: 1 << 20)
            if batch.records.isEmpty { return found }
            found += batch.records.map { record in
                OriginalMessage(
                    key: batch.key(of: record), value: batch.value(of: record),
                    headers: record.headers.map { DeadLetter.Header(name: $0.name, value: $0.value) })
            }
            next = batch.nextOffset
        }
    }
}

func letter(
    _ offset: Int64, value: [UInt8]? = Array("what?".utf8), key: [UInt8]? = Array("K".utf8),
    headers: [DeadLetter.Header] = [], topic: String = Office.source, reason: String = "not-json"
) -> DeadLetter {
    DeadLetter(
        topic: topic, partition: 0, offset: offset, timestamp: Instant(microseconds: 1_800_000_000_000_000),
        reason: reason, detail: "seen", content: .inline(key: key, value: value, headers: headers))
}

func origin(_ position: LetterPosition) -> DeadLetter.Header {
    DeadLetter.Header(name: OriginalMessage.originHeader, value: Array("pregao.dead-letters/\(position)".utf8))
}

extension LetterSelection {
    static func only(_ positions: LetterPosition...) -> LetterSelection {
        var selection = LetterSelection()
        selection.positions = Set(positions)
        return selection
    }
}

extension Replay.Outcome {
    var isReplayed: Bool { if case .replayed = self { true } else { false } }

    var wasBefore: Bool { if case .alreadyReplayed = self { true } else { false } }

    var failure: String? { if case .failed(let reason) = self { reason } else { nil } }
}
