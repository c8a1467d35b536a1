import Foundation
import MarketData

/// A message that could not be read, or an announcement that could not be followed, with the reason: what stages say
/// on `pregao.dead-letters`.
public struct DeadLetter: Hashable, Sendable {
    public static let topic = "pregao.dead-letters"

    public struct Header: Hashable, Sendable {
        public let name: String
        public let value: [UInt8]

        public init(name: String, value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// The message as it was, or where it is.
    public enum Content: Hashable, Sendable {
        case inline(key: [UInt8]?, value: [UInt8]?, headers: [Header])
        /// The key of an object that holds this letter's JSON with the content inline: for one too large to send.
        case stored(object: String)
    }

    public let topic: String
    public let partition: Int32
    public let offset: Int64
    /// Of the log that the offset is of: a topic that was made anew has the same offsets once more. nil in letters of
    /// programs that did not say it.
    public let epoch: String?
    /// When the log took the message.
    public let timestamp: Instant
    /// A word, such as `malformed-json`.
    public let reason: String
    /// What was seen, in a sentence of at most ``maximumDetailBytes``.
    public let detail: String
    public let content: Content

    /// A sentence may quote the message, which may be as large as the log takes, and escaping makes it larger.
    public static let maximumDetailBytes = 1024

    /// - Parameter detail: is cut to ``maximumDetailBytes``.
    public init(
        topic: String, partition: Int32, offset: Int64, epoch: String? = nil, timestamp: Instant, reason: String,
        detail: String, content: Content
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.epoch = epoch
        self.timestamp = timestamp
        self.reason = reason
        self.detail = detail.cut(toBytes: Self.maximumDetailBytes)
        self.content = content
    }

    /// This letter with the content kept as an object instead, and that object: a function of the letter alone.
    ///
    /// The key is `dead-letters/<topic>~<epoch>-<partition>-<offset, 20 digits>-<16 hex of the sha256>.json`.
    public func stored(epoch: String) -> (letter: DeadLetter, key: String, bytes: [UInt8]) {
        let bytes = json()
        let digest = SHA256.hexadecimal(of: bytes).prefix(16)
        let digits = String(offset)
        let padded = String(repeating: "0", count: max(0, 20 - digits.count)) + digits
        let key = "dead-letters/\(topic)~\(epoch)-\(partition)-\(padded)-\(digest).json"
        let letter = DeadLetter(
            topic: topic, partition: partition, offset: offset, epoch: self.epoch, timestamp: timestamp,
            reason: reason, detail: detail, content: .stored(object: key))
        return (letter, key, bytes)
    }
}

extension String {
    /// The whole scalars that fit: a character may have any number of them.
    fileprivate func cut(toBytes limit: Int) -> String {
        var bytes = 0
        return String(
            unicodeScalars.prefix { scalar in
                bytes += UTF8.width(scalar)
                return bytes <= limit
            })
    }
}

/// Why bytes are not a dead letter.
public struct DeadLetterFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let reason: String

    public var description: String { "not a dead letter: \(reason)" }
}

extension DeadLetter {
    /// The message's value: an object of `topic`, `partition`, `offset`, `epoch`, `timestamp`, `reason`, `detail`, and
    /// either `key`, `value` (base64; left out where the message had none) and `headers`, or `object`. The same letter
    /// gives the same bytes.
    public func json() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // JSONEncoder fails on numbers that are not finite and on types without a JSON form; there are none here.
        guard let data = try? encoder.encode(Form(self)) else { return Array("{}".utf8) }
        return Array(data)
    }

    /// Reads the value of a message of `pregao.dead-letters`, or a stored letter.
    public static func parse(_ json: [UInt8]) throws(DeadLetterFault) -> DeadLetter {
        do {
            return try JSONDecoder().decode(Form.self, from: Data(json)).letter()
        } catch let fault as DeadLetterFault {
            throw fault
        } catch {
            throw DeadLetterFault(reason: "\(error)")
        }
    }
}

/// The letter as JSON has it.
private struct Form: Codable {
    struct Header: Codable {
        let name: String
        let value: Data
    }

    let topic: String
    let partition: Int32
    let offset: Int64
    var epoch: String?
    let timestamp: String
    let reason: String
    let detail: String
    var key: Data?
    var value: Data?
    var headers: [Header]?
    var object: String?

    init(_ letter: DeadLetter) {
        topic = letter.topic
        partition = letter.partition
        offset = letter.offset
        epoch = letter.epoch
        timestamp = "\(letter.timestamp)"
        reason = letter.reason
        detail = letter.detail
        switch letter.content {
        case .inline(let key, let value, let headers):
            self.key = key.map { Data($0) }
            self.value = value.map { Data($0) }
            self.headers = headers.map { Header(name: $0.name, value: Data($0.value)) }
        case .stored(let object):
            self.object = object
        }
    }

    func letter() throws -> DeadLetter {
        guard let timestamp = Instant(rfc3339: timestamp) else {
            throw DeadLetterFault(reason: "the timestamp is not RFC 3339")
        }
        let content: DeadLetter.Content =
            if let object {
                .stored(object: object)
            } else {
                .inline(
                    key: key.map { Array($0) }, value: value.map { Array($0) },
                    headers: (headers ?? []).map { DeadLetter.Header(name: $0.name, value: Array($0.value)) })
            }
        return DeadLetter(
            topic: topic, partition: partition, offset: offset, epoch: epoch, timestamp: timestamp, reason: reason,
            detail: detail, content: content)
    }
}
