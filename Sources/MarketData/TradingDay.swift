import Foundation

/// The trading day of a moment: the calendar day in the place where the session is held.
public enum TradingDay {
    /// - Parameter timeZone: a name of the tz database; one that is unknown counts as UTC, since datasets name theirs
    ///   in code and a test checks each.
    public static func of(_ instant: Instant, in timeZone: String) -> Day {
        guard timeZone != "UTC", let zone = TimeZone(identifier: timeZone) else { return instant.utcDay }
        let date = Date(timeIntervalSince1970: Double(instant.microseconds) / 1e6)
        return instant.adding(microseconds: Int64(zone.secondsFromGMT(for: date)) * 1_000_000).utcDay
    }
}
