/// An exact decimal number of 38 digits, 18 of them after the point: the DECIMAL(38,18) of Parquet and SQL.
///
/// Nothing is ever rounded: what does not fit is an error.
public struct Decimal: Hashable, Sendable {
    public static let scale = 18
    public static let precision = 38

    /// The number times 10^18; its magnitude is below 10^38.
    public let units: Int128

    /// - Returns: nil where the magnitude of `units` is 10^38 or more.
    public init?(units: Int128) {
        guard units.magnitude < Self.limit else { return nil }
        self.units = units
    }

    public init(_ integer: Int64) { units = Int128(integer) * Self.one }

    public static let zero = Decimal(0)

    static let one: Int128 = 1_000_000_000_000_000_000
    private static let limit: UInt128 = UInt128(one.magnitude) * 100_000_000_000_000_000_000
}

/// Why a text is not a ``Decimal``.
public enum DecimalFault: Error, Equatable, Sendable {
    /// The text is not a number as RFC 8259 writes one (JSON's grammar; NaN and infinities are not numbers).
    case notANumber
    /// More than 20 digits before the point.
    case tooLarge
    /// A digit other than zero after the eighteenth decimal place.
    case tooPrecise
}

extension Decimal {
    /// Reads JSON's number grammar (RFC 8259, section 6), exponent included, exactly.
    public init(parsing text: some StringProtocol) throws(DecimalFault) {
        var copy = String(text)
        let result: Result<Decimal, DecimalFault> = copy.withUTF8 { utf8 in
            do throws(DecimalFault) { return .success(try Decimal(parsing: UnsafeRawBufferPointer(utf8))) } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    /// Reads JSON's number grammar from ASCII bytes; the hot path.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(DecimalFault) {
        if let common = Self.common(bytes) {
            units = common
            return
        }
        var reader = DecimalReader(bytes: bytes)
        units = try reader.read()
    }

    /// The units of a number written as nearly all are: at most 18 digits, no exponent, so that 64 bits hold them.
    ///
    /// - Returns: nil for anything else, be it a number or not.
    private static func common(_ bytes: UnsafeRawBufferPointer) -> Int128? {
        let count = bytes.count
        var index = 0
        let isNegative = count > 0 && bytes[0] == UInt8(ascii: "-")
        if isNegative { index = 1 }
        let start = index
        guard count > start, count - start <= 19 else { return nil }
        var value: UInt64 = 0
        var point = count
        while index < count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            if digit < 10 {
                value = value &* 10 &+ UInt64(digit)
            } else {
                guard bytes[index] == UInt8(ascii: "."), point == count, index > start, index + 1 < count else {
                    return nil
                }
                point = index
            }
            index += 1
        }
        let digits = count - start - (point == count ? 0 : 1)
        guard digits <= 18, point - start == 1 || bytes[start] != UInt8(ascii: "0") else { return nil }
        let decimals = point == count ? 0 : count - point - 1
        let magnitude = Int128(value) &* Int128(powersOfTen[scale - decimals])
        return isNegative ? 0 &- magnitude : magnitude
    }

    private static let powersOfTen: [UInt64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000,
    ]
}

/// Reads digits into an integer with its scale, then brings it to 10^-18.
private struct DecimalReader {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func read() throws(DecimalFault) -> Int128 {
        let negative = take(UInt8(ascii: "-"))
        var digits = Digits()
        try readInteger(into: &digits)
        if take(UInt8(ascii: ".")) { try readFraction(into: &digits) }
        var exponent = 0
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) { exponent = try readExponent() }
        guard index == bytes.count else { throw .notANumber }
        let magnitude = try digits.units(exponent: exponent)
        return negative ? -magnitude : magnitude
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func digit() -> UInt8? {
        guard index < bytes.count else { return nil }
        let value = bytes[index] &- UInt8(ascii: "0")
        guard value < 10 else { return nil }
        index += 1
        return value
    }

    private mutating func readInteger(into digits: inout Digits) throws(DecimalFault) {
        guard let first = digit() else { throw .notANumber }
        digits.append(first, afterPoint: false)
        while let next = digit() {
            guard first != 0 else { throw .notANumber }
            digits.append(next, afterPoint: false)
        }
    }

    private mutating func readFraction(into digits: inout Digits) throws(DecimalFault) {
        guard let first = digit() else { throw .notANumber }
        digits.append(first, afterPoint: true)
        while let next = digit() { digits.append(next, afterPoint: true) }
    }

    private mutating func readExponent() throws(DecimalFault) -> Int {
        let negative = take(UInt8(ascii: "-"))
        if !negative { _ = take(UInt8(ascii: "+")) }
        guard let first = digit() else { throw .notANumber }
        // Beyond this bound the number is zero, too large or too precise: no text has as many digits.
        let bound = 100_000_000_000_000_000
        var value = Int(first)
        while let next = digit() { value = min(bound, value * 10 + Int(next)) }
        return negative ? -value : value
    }
}

/// Significant digits: `value` × 10^-`scale`, trailing zeros held back until a digit follows them.
private struct Digits {
    private var value: UInt128 = 0
    private var scale = 0
    private var pendingZeros = 0
    private var overflow = false

    mutating func append(_ digit: UInt8, afterPoint: Bool) {
        if afterPoint { scale += 1 }
        if digit == 0 {
            if value != 0 || overflow { pendingZeros += 1 }
            return
        }
        multiply(by: pendingZeros + 1)
        pendingZeros = 0
        if !overflow { value += UInt128(digit) }
    }

    private mutating func multiply(by powers: Int) {
        for _ in 0..<powers where !overflow {
            // 38 digits fit with room to spare; a 39th makes the number too large or too precise.
            if value >= 10_000_000_000_000_000_000_000_000_000_000_000_000 { overflow = true } else { value *= 10 }
        }
    }

    func units(exponent: Int) throws(DecimalFault) -> Int128 {
        guard value != 0 || overflow else { return 0 }
        // The number is value × 10^(pendingZeros − scale + exponent).
        let power = pendingZeros - scale + exponent
        if overflow { throw power + 38 > 20 ? .tooLarge : .tooPrecise }
        let shift = power + Decimal.scale
        guard shift >= 0 else { throw .tooPrecise }
        guard shift <= 38 else { throw .tooLarge }
        var units = value
        for _ in 0..<shift {
            let (product, overflowed) = units.multipliedReportingOverflow(by: 10)
            guard !overflowed else { throw .tooLarge }
            units = product
        }
        guard let magnitude = Int128(exactly: units), Decimal(units: magnitude) != nil else { throw .tooLarge }
        return magnitude
    }
}

extension Decimal: Comparable {
    public static func < (left: Decimal, right: Decimal) -> Bool { left.units < right.units }
}

extension Decimal: CustomStringConvertible {
    /// The shortest plain notation: no exponent, no trailing zeros after the point (`28.4`, `-0.05`, `1200`).
    public var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
