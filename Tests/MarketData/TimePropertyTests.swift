import MarketData
import Testing

@Suite("Times at their edges")
struct TimePropertyTests {
    @Test("any time from year 0 to 9999 is written and read back, in our form and in others", arguments: 1...10)
    func roundTrip(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<500 {
            let instant = Instant(
                microseconds: .random(in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &generator))
            let text = instant.description
            #expect(text.utf8.count == 27)
            #expect(Instant(rfc3339: text) == instant)
            #expect(Instant(rfc3339: "\(text.dropLast())+00:00") == instant)
            #expect(Instant(rfc3339: "\(text.dropLast())999z") == instant)
            #expect(Day(text.prefix(10)) == instant.utcDay)
        }
    }

    @Test("a time with any byte changed is refused, or is the time that it now spells")
    func alteredTimes() throws {
        let whole = Array("2024-02-29T23:59:59.123456Z".utf8)
        for index in whole.indices {
            for byte in UInt8(0x20)...0x7E {
                var bytes = whole
                bytes[index] = byte
                guard let instant = bytes.withUnsafeBytes({ Instant(rfc3339: $0) }) else { continue }
                let text = String(decoding: bytes, as: UTF8.self).uppercased()
                #expect(instant.description == (index == 10 ? text.replacing(" ", with: "T") : text))
            }
        }
    }

    @Test(
        "what the calendar or the clock does not have is refused",
        arguments: [
            "2023-02-29T00:00:00.000000Z", "1900-02-29T00:00:00.000000Z", "2024-00-10T00:00:00.000000Z",
            "2024-13-10T00:00:00.000000Z", "2024-04-31T00:00:00.000000Z", "2024-01-00T00:00:00.000000Z",
            "2024-01-01T24:00:00.000000Z", "2024-01-01T23:60:00.000000Z", "2024-01-01T23:59:60.000000Z",
            "2024-01-01T23:59:59.000000", "2024-01-01T23:59:59.000000+24:00", "2024-01-01T23:59:59.000000+02",
            "2024-01-01T23:59:59,000000Z", "+024-01-01T23:59:59.000000Z", "2024-01-01T23:59:59.000000ZZ",
            "２024-01-01T23:59:59Z", "2024-1-1T00:00:00Z",
        ])
    func refused(text: String) {
        #expect(Instant(rfc3339: text) == nil)
    }

    @Test(
        "days that are none are refused",
        arguments: [
            "", "2024-02-30", "2100-02-29", "2024-2-01", "2024-02-1", "24-02-01", "2024/02/01", "2024-02-01 ",
            "20240201",
        ])
    func refusedDays(text: String) {
        #expect(Day(text) == nil)
    }

    @Test("the last moments that 64 bits hold can be written")
    func extremes() {
        #expect(Instant(microseconds: .max).description == "294247-01-10T04:00:54.775807Z")
        #expect(Instant(microseconds: .min).description.hasSuffix("T19:59:05.224192Z"))
        #expect(Instant(microseconds: -1).utcDay == Day(daysSinceEpoch: -1))
        #expect(Instant(microseconds: -86_400_000_000).utcDay == Day(daysSinceEpoch: -1))
    }

    @Test("plausible times are those of this century")
    func plausible() throws {
        #expect(Instant.plausible.lowerBound.description == "2000-01-01T00:00:00.000000Z")
        #expect(Instant.plausible.upperBound.description == "2100-01-01T00:00:00.000000Z")
    }

    @Test("a trading day follows summer time, when its place had it")
    func summerTime() throws {
        // São Paulo was at UTC-2 in the summer of 2018 and has stayed at UTC-3 since 2019.
        let summer = try #require(Instant(rfc3339: "2018-12-15T02:30:00Z"))
        let since = try #require(Instant(rfc3339: "2023-12-15T02:30:00Z"))
        #expect(TradingDay.of(summer, in: "America/Sao_Paulo").description == "2018-12-15")
        #expect(TradingDay.of(since, in: "America/Sao_Paulo").description == "2023-12-14")
    }
}
