import Foundation
import MarketData

/// The answer's `Retry-After` (RFC 9110, section 10.2.3): seconds, or an HTTP date.
enum RetryAfter {
    /// - Returns: microseconds to wait from `now`, 0 for a date that has passed; nil where the text is neither form.
    static func microseconds(_ text: some StringProtocol, now: Instant) -> Int64? {
        let trimmed = text.trimmingCharacters(in: .whitespaces)
        if !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return min(Int64(trimmed) ?? longest, longest) * 1_000_000
        }
        guard let date = httpDate(trimmed) else { return nil }
        return min(max(0, date.microseconds(since: now)), longest * 1_000_000)
    }

    /// A day: what is longer is cut to it, so that arithmetic with it cannot overflow.
    private static let longest: Int64 = 86_400

    /// RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, and the two obsolete forms that recipients must read.
    private static func httpDate(_ text: String) -> Instant? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        for form in ["EEE, dd MMM yyyy HH:mm:ss 'GMT'", "EEEE, dd-MMM-yy HH:mm:ss 'GMT'", "EEE MMM d HH:mm:ss yyyy"] {
            formatter.dateFormat = form
            if let date = formatter.date(from: text) {
                return Instant(microseconds: Int64(date.timeIntervalSince1970 * 1_000_000))
            }
        }
        return nil
    }
}
