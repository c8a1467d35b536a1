import Foundation
import MarketData

extension Model {
    /// When a trading day is closed for this model: from then on it is computed whole.
    ///
    /// A model that is due on arrival closes its days at their end in UTC.
    func close(of day: Day) -> Instant {
        let next = day.adding(days: 1)
        guard case .afterClose(let minutes, let name) = due else { return next.startInUTC }
        let afterMidnight = Int64(minutes) * 60_000_000
        guard name != "UTC", let zone = TimeZone(identifier: name) else {
            return next.startInUTC.adding(microseconds: afterMidnight)
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let civil = next.civil
        let components = DateComponents(
            year: civil.year, month: civil.month, day: civil.day, hour: minutes / 60, minute: minutes % 60)
        // A time that the zone skips in spring comes out as the next one that exists.
        guard let date = calendar.date(from: components) else {
            return next.startInUTC.adding(microseconds: afterMidnight)
        }
        return Instant(microseconds: Int64(date.timeIntervalSince1970.rounded()) * 1_000_000)
    }
}
