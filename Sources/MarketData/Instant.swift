/// A moment in UTC, counted in microseconds since 1970-01-01T00:00:00Z (leap seconds are not counted, as in POSIX).
public struct Instant: Hashable, Comparable, Sendable {
    public let microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

    /// The times that an observation may bear: from 2000 up to, and without, 2100. Anything else is a source's or a
    /// clock's fault.
    public static let plausible =
        Instant(microseconds: 946_684_800_000_000)..<Instant(microseconds: 4_102_444_800_000_000)

    public func adding(microseconds: Int64) -> Instant { Instant(microseconds: self.microseconds + microseconds) }

    /// `self` minus `other`, in microseconds.
    public func microseconds(since other: Instant) -> Int64 { microseconds - other.microseconds }

    /// The calendar day in UTC.
    public var utcDay: Day { Day(daysSinceEpoch: Int32(Self.floorDivide(microseconds, Self.microsecondsPerDay))) }

    static let microsecondsPerDay: Int64 = 86_400_000_000

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

extension Instant: CustomStringConvertible {
    /// RFC 3339 in UTC with six decimals: `2026-11-21T11:15:00.000000Z`.
    public var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Instant {
    /// Reads RFC 3339 (`2017-10-03T04:00:31.887000Z`, `…+02:00`); digits after the sixth decimal are cut off.
    ///
    /// - Returns: nil where the text is not such a time.
    public init?(rfc3339 text: some StringProtocol) {
        var copy = String(text)
        guard let parsed = copy.withUTF8({ Instant(rfc3339: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = parsed
    }

    public init?(rfc3339 bytes: UnsafeRawBufferPointer) {
        if let ours = Self.inOurForm(bytes) {
            self = ours
            return
        }
        var reader = FixedDigits(bytes: bytes)
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let dayOfMonth = reader.number(2), let day = Day(year: year, month: month, day: dayOfMonth),
            reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), hour < 24, reader.take(":"),
            let minute = reader.number(2), minute < 60, reader.take(":"),
            let second = reader.number(2), second < 60
        else { return nil }
        var fraction: Int64 = 0
        if reader.take(".") {
            guard let read = reader.fraction() else { return nil }
            fraction = read
        }
        guard let offset = reader.zoneOffsetInSeconds(), reader.isAtEnd else { return nil }
        let seconds = Int64(day.daysSinceEpoch) * 86_400 + Int64(hour * 3600 + minute * 60 + second) - offset
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }
}

extension Instant {
    /// The form that ``description`` has, and so nearly every time that is read: each digit at its place.
    ///
    /// - Returns: nil for anything else, be it a time or not.
    private static func inOurForm(_ bytes: UnsafeRawBufferPointer) -> Instant? {
        guard bytes.count == 27, bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), bytes[19] == UInt8(ascii: "."), bytes[26] == UInt8(ascii: "Z"),
            let day = Day(parsing: UnsafeRawBufferPointer(rebasing: bytes[..<10]))
        else { return nil }
        var digits = DigitPairs(bytes: bytes)
        let hour = digits.pair(at: 11)
        let minute = digits.pair(at: 14)
        let second = digits.pair(at: 17)
        let fraction = digits.pair(at: 20) * 10_000 + digits.pair(at: 22) * 100 + digits.pair(at: 24)
        guard digits.areDigits, hour < 24, minute < 60, second < 60 else { return nil }
        let inDay = Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + Int64(fraction)
        return Instant(microseconds: Int64(day.daysSinceEpoch) * microsecondsPerDay + inDay)
    }
}

/// Two digits at a time, at places that lie inside `bytes`.
struct DigitPairs {
    let bytes: UnsafeRawBufferPointer
    /// Whether all that was read so far were digits.
    private(set) var areDigits = true

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func pair(at index: Int) -> Int {
        let tens = bytes[index] &- UInt8(ascii: "0")
        let ones = bytes[index + 1] &- UInt8(ascii: "0")
        areDigits = areDigits && tens < 10 && ones < 10
        return Int(tens) * 10 + Int(ones)
    }
}

/// Digits at fixed places, as dates and times are written.
struct FixedDigits {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    mutating func number(_ digits: Int) -> Int? {
        guard index + digits <= bytes.count else { return nil }
        var value = 0
        for position in index..<index + digits {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        index += digits
        return value
    }

    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var digits = 0
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") < 10 {
            if digits < 6 { value = value * 10 + Int64(bytes[index] - UInt8(ascii: "0")) }
            digits += 1
            index += 1
        }
        guard digits > 0 else { return nil }
        for _ in min(digits, 6)..<6 { value *= 10 }
        return value
    }

    mutating func zoneOffsetInSeconds() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let east = take("+")
        guard east || take("-"), let hours = number(2), hours < 24, take(":"), let minutes = number(2), minutes < 60
        else { return nil }
        let offset = Int64(hours * 3600 + minutes * 60)
        return east ? offset : -offset
    }
}
