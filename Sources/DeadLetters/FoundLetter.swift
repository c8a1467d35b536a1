import EventLog
import Lake
import MarketData

/// A message of `pregao.dead-letters`, and what has become of it.
public struct FoundLetter: Sendable {
    public enum Content: Sendable {
        case letter(DeadLetter)
        /// The message is no letter: anybody may append to a topic.
        case unreadable(String)
    }

    public let position: LetterPosition
    /// When the log took the letter.
    public let arrived: Instant
    /// Of the letter's bytes: a topic made anew has other letters at the same positions.
    public let sha256: String
    public let content: Content
    /// When it was replayed; nil where it waits.
    public internal(set) var replayedAt: Instant?

    init(position: LetterPosition, arrived: Instant, value: [UInt8]?) {
        self.position = position
        self.arrived = arrived
        let bytes = value ?? []
        sha256 = SHA256.hexadecimal(of: bytes)
        do throws(DeadLetterFault) {
            content = .letter(try DeadLetter.parse(bytes))
        } catch {
            content = .unreadable(error.reason)
        }
    }

    public var letter: DeadLetter? {
        if case .letter(let letter) = content { letter } else { nil }
    }
}

/// A message as it was when it became a letter.
public struct OriginalMessage: Hashable, Sendable {
    public let key: [UInt8]?
    public let value: [UInt8]?
    public let headers: [DeadLetter.Header]

    public init(key: [UInt8]?, value: [UInt8]?, headers: [DeadLetter.Header]) {
        self.key = key
        self.value = value
        self.headers = headers
    }

    /// The header that names the letter which a message was replayed from.
    public static let originHeader = "pregao-replay-of"

    /// The letter that this message was replayed from, as `pregao.dead-letters/0/17`.
    public var origin: String? {
        headers.last { $0.name == Self.originHeader }.map { String(decoding: $0.value, as: UTF8.self) }
    }
}

extension DeadLetter {
    /// The message, where the letter holds it itself.
    public var inlineMessage: OriginalMessage? {
        guard case .inline(let key, let value, let headers) = content else { return nil }
        return OriginalMessage(key: key, value: value, headers: headers)
    }
}

/// Which letters are meant: those that satisfy all that is given.
public struct LetterSelection: Sendable {
    /// Empty for all.
    public var positions: Set<LetterPosition> = []
    /// Of the message.
    public var topic: String?
    public var reason: String?
    /// Letters that the log took from then on.
    public var since: Instant?
    /// Letters that the log took before then.
    public var until: Instant?
    /// Only letters that were not replayed.
    public var waiting = false

    public init() {}

    public func selects(_ found: FoundLetter) -> Bool {
        if !positions.isEmpty, !positions.contains(found.position) { return false }
        if let topic, found.letter?.topic != topic { return false }
        if let reason, found.letter?.reason != reason { return false }
        if let since, found.arrived < since { return false }
        if let until, found.arrived >= until { return false }
        return !waiting || found.replayedAt == nil
    }

    /// The offsets that can be selected in a partition of that extent.
    func offsets(of partition: Int32, in whole: Range<Offset>) -> Range<Offset> {
        guard !positions.isEmpty else { return whole }
        let wanted = positions.filter { $0.partition == partition }.map(\.offset).filter { whole.contains($0) }
        guard let first = wanted.min(), let last = wanted.max() else { return whole.lowerBound..<whole.lowerBound }
        return first..<last + 1
    }
}
