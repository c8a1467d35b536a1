import MarketData
import Testing

@testable import Batch

@Suite("When a day is closed")
struct DayCloseTests {
    static let closes: [(due: Model.Due, day: String, close: String)] = [
        (.onArrival, "2026-11-20", "2026-11-21T00:00:00Z"),
        (.afterClose(minutes: 5, timeZone: "UTC"), "2026-11-20", "2026-11-21T00:05:00Z"),
        (.afterClose(minutes: 5, timeZone: "UTC"), "2026-12-31", "2027-01-01T00:05:00Z"),
        (.afterClose(minutes: 90, timeZone: "America/Sao_Paulo"), "2026-11-20", "2026-11-21T04:30:00Z"),
        // New York's clocks go forward on the morning of 2026-03-08, from 02:00 to 03:00.
        (.afterClose(minutes: 5, timeZone: "America/New_York"), "2026-03-07", "2026-03-08T05:05:00Z"),
        (.afterClose(minutes: 5, timeZone: "America/New_York"), "2026-03-08", "2026-03-09T04:05:00Z"),
        (.afterClose(minutes: 150, timeZone: "America/New_York"), "2026-03-07", "2026-03-08T07:30:00Z"),
    ]

    @Test("it is the model's time after the day's end, in its time zone", arguments: closes)
    func close(due: Model.Due, day: String, close: String) throws {
        let model = Samples.model("refined.closing", sources: ["raw.quotes"], due: due)
        #expect(model.close(of: try #require(Day(day))) == Instant(rfc3339: close))
    }

    @Test("a moment at a window's start is in that window, also before 1970")
    func windows() {
        let window = Model.Window(column: "minute", of: "observed_at", lengthInMicroseconds: 60_000_000)
        for start in [Int64(-120_000_000), -60_000_000, 0, 60_000_000] {
            let range = Instant(microseconds: start)..<Instant(microseconds: start + 60_000_000)
            #expect(window.covering(range.lowerBound, range.lowerBound) == range)
            #expect(window.covering(range.lowerBound, range.upperBound.adding(microseconds: -1)) == range)
        }
    }
}
