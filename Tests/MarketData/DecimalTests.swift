import MarketData
import Testing

@Suite("Decimals")
struct DecimalTests {
    @Test(
        "reads JSON's number grammar exactly, and writes the shortest plain notation",
        arguments: [
            ("0", "0"), ("-0", "0"), ("28.4", "28.4"), ("-0.05", "-0.05"), ("1200.00", "1200"),
            ("59465.39029629", "59465.39029629"),
            ("1e3", "1000"), ("1.50E-2", "0.015"), ("0.000000000000000001", "0.000000000000000001"),
            ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
            ("0.0000000000000000010", "0.000000000000000001"), ("100000000000000000000e-1", "10000000000000000000"),
            ("0e99999999999", "0"),
        ])
    func readsAndWrites(text: String, expected: String) throws {
        #expect(try Decimal(parsing: text).description == expected)
    }

    @Test(
        "refuses what is not a number or does not fit, and never rounds",
        arguments: [
            ("", DecimalFault.notANumber), ("-", .notANumber), ("01", .notANumber), ("1.", .notANumber),
            (".5", .notANumber),
            ("+1", .notANumber), ("1e", .notANumber), ("NaN", .notANumber), ("Infinity", .notANumber),
            ("1,5", .notANumber), (" 1", .notANumber),
            ("100000000000000000000", .tooLarge), ("1e20", .tooLarge), ("1e999999999999", .tooLarge),
            ("0.0000000000000000001", .tooPrecise), ("1e-19", .tooPrecise), ("1.0000000000000000001", .tooPrecise),
            ("111111111111111111111111111111111111111111", .tooLarge),
        ])
    func refuses(text: String, fault: DecimalFault) {
        #expect(throws: fault) { try Decimal(parsing: text) }
    }
}
