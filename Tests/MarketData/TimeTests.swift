import MarketData
import Testing

@Suite("Instants and days")
struct TimeTests {
    @Test(
        "RFC 3339 is read to the microsecond and written in UTC",
        arguments: [
            ("2017-10-03T04:00:31.887000Z", "2017-10-03T04:00:31.887000Z"),
            ("2017-10-03T04:00:31Z", "2017-10-03T04:00:31.000000Z"),
            ("2017-10-03T01:00:31.5-03:00", "2017-10-03T04:00:31.500000Z"),
            ("2000-02-29T23:59:59.9999999Z", "2000-02-29T23:59:59.999999Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
        ])
    func readsTimes(text: String, expected: String) throws {
        #expect(try #require(Instant(rfc3339: text)).description == expected)
    }

    @Test(
        "what is no time is refused",
        arguments: [
            "", "2017-10-03", "2017-13-03T04:00:31Z", "2017-02-29T04:00:31Z", "2017-10-03T24:00:00Z",
            "2017-10-03T04:00:31", "2017-10-03T04:00:31.Z",
        ])
    func refusesTimes(text: String) {
        #expect(Instant(rfc3339: text) == nil)
    }

    @Test("days convert to the civil calendar and back over two centuries")
    func daysRoundTrip() {
        for number in Int32(-30_000)...Int32(60_000) {
            let day = Day(daysSinceEpoch: number)
            let civil = day.civil
            #expect(Day(year: civil.year, month: civil.month, day: civil.day) == day)
        }
        #expect(Day("2026-11-21")?.daysSinceEpoch == 20_778)
    }

    @Test("a trading day is read off the clock of the place where the session is held")
    func tradingDayHasAZone() throws {
        let evening = try #require(Instant(rfc3339: "2026-11-21T01:30:00Z"))
        #expect(TradingDay.of(evening, in: "UTC").description == "2026-11-21")
        #expect(TradingDay.of(evening, in: "America/Sao_Paulo").description == "2026-11-20")
    }
}
