extension Decimal {
    /// Appends ``description`` as ASCII.
    public func append(to bytes: inout [UInt8]) {
        if units < 0 { bytes.append(UInt8(ascii: "-")) }
        let (whole, fraction) = units.magnitude.quotientAndRemainder(dividingBy: UInt128(Self.one))
        if let small = UInt64(exactly: whole) {
            appendDigits(small, to: &bytes)
        } else {
            bytes.append(contentsOf: String(whole).utf8)
        }
        guard fraction != 0 else { return }
        bytes.append(UInt8(ascii: "."))
        appendDigits(UInt64(fraction), width: Self.scale, to: &bytes)
        while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
    }
}

extension Instant {
    /// Appends ``description`` as ASCII.
    public func append(to bytes: inout [UInt8]) {
        let day = utcDay
        let remainder = microseconds % Self.microsecondsPerDay
        let inDay = UInt64(remainder < 0 ? remainder + Self.microsecondsPerDay : remainder)
        let seconds = inDay / 1_000_000
        day.append(to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        appendDigits(seconds / 3600, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDigits(seconds / 60 % 60, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDigits(seconds % 60, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        appendDigits(inDay % 1_000_000, width: 6, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }
}

extension Day {
    /// Appends ``description`` as ASCII.
    public func append(to bytes: inout [UInt8]) {
        let civil = self.civil
        if civil.year < 0 { bytes.append(UInt8(ascii: "-")) }
        appendDigits(UInt64(civil.year.magnitude), width: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendDigits(UInt64(civil.month), width: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendDigits(UInt64(civil.day), width: 2, to: &bytes)
    }
}

/// Appends a number's decimal digits, with zeros before it up to `width`.
private func appendDigits(_ value: UInt64, width: Int = 1, to bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = value
    while rest != 0 || bytes.count - start < width {
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
    }
    bytes[start...].reverse()
}
