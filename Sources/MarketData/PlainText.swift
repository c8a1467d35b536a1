/// ASCII texts of values, appended to bytes without a string in between.
public enum PlainText {
    public static func append(_ integer: Int64, to bytes: inout [UInt8]) {
        compose(into: &bytes) { text in
            if integer < 0 { text.put("-") }
            text.put(integer.magnitude, width: 1)
        }
    }

    /// No text here is longer: a decimal has at most 40 characters, a time at most 30.
    private static let longest = 48

    fileprivate static func compose(into bytes: inout [UInt8], _ body: (inout TextBuffer) -> Void) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: longest) { buffer in
            var text = TextBuffer(buffer)
            body(&text)
            bytes.append(contentsOf: text.contents)
        }
    }
}

extension Decimal {
    /// Appends ``description`` as ASCII.
    public func append(to bytes: inout [UInt8]) {
        let (whole, fraction) = Self.parts(of: units.magnitude)
        PlainText.compose(into: &bytes) { text in
            if units < 0 { text.put("-") }
            if let small = UInt64(exactly: whole) {
                text.put(small, width: 1)
            } else {
                // Twenty digits: one more than 64 bits are sure to hold.
                let (first, rest) = whole.quotientAndRemainder(dividingBy: 10_000_000_000_000_000_000)
                text.put(UInt64(first), width: 1)
                text.put(UInt64(rest), width: 19)
            }
            guard fraction != 0 else { return }
            text.put(".")
            text.put(fraction, width: Self.scale)
            text.dropTrailingZeros()
        }
    }

    private static func parts(of magnitude: UInt128) -> (whole: UInt128, fraction: UInt64) {
        let one = UInt64(Self.one)
        let high = UInt64(truncatingIfNeeded: magnitude >> 64)
        // One machine instruction does where the quotient fits 64 bits.
        if high < one {
            let (quotient, remainder) = one.dividingFullWidth((high, UInt64(truncatingIfNeeded: magnitude)))
            return (UInt128(quotient), remainder)
        }
        let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: UInt128(one))
        return (quotient, UInt64(remainder))
    }
}

extension Instant {
    /// Appends ``description`` as ASCII.
    public func append(to bytes: inout [UInt8]) {
        let remainder = microseconds % Self.microsecondsPerDay
        let inDay = UInt64(remainder < 0 ? remainder + Self.microsecondsPerDay : remainder)
        let seconds = inDay / 1_000_000
        PlainText.compose(into: &bytes) { text in
            text.put(utcDay)
            text.put("T")
            text.put(seconds / 3600, width: 2)
            text.put(":")
            text.put(seconds / 60 % 60, width: 2)
            text.put(":")
            text.put(seconds % 60, width: 2)
            text.put(".")
            text.put(inDay % 1_000_000, width: 6)
            text.put("Z")
        }
    }
}

extension Day {
    /// Appends ``description`` as ASCII.
    public func append(to bytes: inout [UInt8]) {
        PlainText.compose(into: &bytes) { $0.put(self) }
    }
}

/// A text in the making, in memory that is long enough for it.
private struct TextBuffer {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private var count = 0

    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    var contents: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: buffer[..<count]) }

    mutating func put(_ character: Unicode.Scalar) {
        buffer[count] = UInt8(ascii: character)
        count += 1
    }

    /// A number's digits, with zeros before it up to `width`.
    mutating func put(_ value: UInt64, width: Int) {
        var length = 1
        var rest = value / 10
        while rest != 0 {
            length += 1
            rest /= 10
        }
        length = max(length, width)
        rest = value
        var index = count + length
        while index > count {
            index -= 1
            buffer[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += length
    }

    mutating func put(_ day: Day) {
        let civil = day.civil
        if civil.year < 0 { put("-") }
        put(UInt64(civil.year.magnitude), width: 4)
        put("-")
        put(UInt64(civil.month), width: 2)
        put("-")
        put(UInt64(civil.day), width: 2)
    }

    mutating func dropTrailingZeros() {
        while count > 0, buffer[count - 1] == UInt8(ascii: "0") { count -= 1 }
    }
}
