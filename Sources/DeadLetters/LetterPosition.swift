import EventLog
import Lake

/// Where a letter is on `pregao.dead-letters`: its name, since it never changes.
public struct LetterPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let partition: Int32
    public let offset: Offset

    public init(partition: Int32, offset: Offset) {
        self.partition = partition
        self.offset = offset
    }

    /// Reads `0/17`, or `17` for partition 0.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = parts.last, parts.count <= 2, let offset = Self.number(last) else { return nil }
        guard let partition = parts.count == 2 ? Self.number(parts[0]).flatMap({ Int32(exactly: $0) }) : 0 else {
            return nil
        }
        self.init(partition: partition, offset: offset)
    }

    private static func number(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int64(text) : nil
    }

    public static func < (left: LetterPosition, right: LetterPosition) -> Bool {
        (left.partition, left.offset) < (right.partition, right.offset)
    }

    /// `0/17`
    public var description: String { "\(partition)/\(offset)" }

    /// `pregao.dead-letters/0/17`, as the header of a replayed message names its letter.
    var inLog: String { "\(DeadLetter.topic)/\(self)" }
}
