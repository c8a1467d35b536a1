import Runtime

/// Durations and sizes as people write them in settings.
enum Quantities {
    /// `250ms`, `1s`, `1.5s`, `5m`, `24h`, `7d`; a bare number is seconds.
    static func duration(_ text: String) -> Duration? {
        let units: [(String, Int64)] = [
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("", 1000),
        ]
        for (suffix, milliseconds) in units where text.hasSuffix(suffix) {
            guard let number = decimal(text.dropLast(suffix.count)) else { continue }
            let (scaled, overflow) = number.thousandths.multipliedReportingOverflow(by: milliseconds)
            return overflow ? nil : .microseconds(scaled)
        }
        return nil
    }

    /// `512KiB`, `64MiB`, `1GiB`, `1000000`; a bare number is bytes.
    static func bytes(_ text: String) -> Int? {
        let units: [(String, Int)] = [
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1), ("", 1),
        ]
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            guard let number = Int(text.dropLast(suffix.count).trimmingSuffix { $0 == " " }) else { continue }
            let (scaled, overflow) = number.multipliedReportingOverflow(by: factor)
            return overflow || scaled < 0 ? nil : scaled
        }
        return nil
    }

    /// A number of up to three decimals, in thousandths.
    private static func decimal(_ text: Substring) -> (thousandths: Int64, Void)? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty, parts.allSatisfy({ $0.allSatisfy(\.isASCIIDigit) }),
            let whole = Int64(parts[0])
        else { return nil }
        let decimals = parts.count == 2 ? parts[1] : "0"
        guard (1...3).contains(decimals.count),
            let fraction = Int64(decimals + String(repeating: "0", count: 3 - decimals.count))
        else { return nil }
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: 1000)
        return overflow ? nil : (scaled + fraction, ())
    }

    static func text(_ duration: Duration) -> String { duration.plainWords }

    static func text(bytes: Int) -> String {
        let units: [(Int, String)] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        for (size, suffix) in units where bytes != 0 && bytes % size == 0 { return "\(bytes / size)\(suffix)" }
        return "\(bytes)"
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var result = self
        while let last = result.last, predicate(last) { result.removeLast() }
        return result
    }
}
