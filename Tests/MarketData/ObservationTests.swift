import MarketData
import Testing

@Suite("Observations")
struct ObservationTests {
    private static let noon = Instant(microseconds: 1_700_000_000_000_000)

    private static let valid: [String: Value] = [
        "feed": .text("coinbase-spot"), "symbol": .text("BTC-USD"), "price_type": .text("spot"),
        "price": .decimal(Decimal(1)), "scheduled_at": .instant(noon), "poll_interval": .integer(1_000_000),
        "observed_at": .instant(noon),
    ]

    @Test("values stand in the columns' order, absent ones are null, the trading day is computed")
    func order() throws {
        let quote = try Observation(Datasets.quotes, Self.valid)
        #expect(quote.values.count == Datasets.quotes.columns.count)
        #expect(quote.values.first == .text("coinbase-spot"))
        #expect(quote["bid"] == .null)
        #expect(quote["trading_day"] == .day(Self.noon.utcDay))
        #expect(quote["no such column"] == .null)
        #expect(try Observation(Datasets.quotes, inOrder: quote.values) == quote)
    }

    @Test(
        "what does not fit the dataset is refused with the column's name",
        arguments: [
            ("price", Value.null, ObservationFault.Reason.missing), ("price", .text("1"), .wrongType),
            ("price", .integer(1), .wrongType), ("symbol", .boolean(true), .wrongType),
            ("bid", .text("1"), .wrongType), ("trading_day", .instant(noon), .wrongType),
            ("observed_at", .instant(Instant(microseconds: 0)), .implausibleTime),
            ("source_time", .instant(Instant(microseconds: 4_102_444_800_000_000)), .implausibleTime),
            ("scheduled_at", .instant(Instant(microseconds: 946_684_799_999_999)), .implausibleTime),
            ("colour", .text("red"), .unknownColumn),
        ])
    func refuses(column: String, value: Value, reason: ObservationFault.Reason) throws {
        var named = Self.valid
        named[column] = value
        let fault = #expect(throws: ObservationFault.self) { try Observation(Datasets.quotes, named) }
        #expect(fault?.column == column)
        #expect(fault?.reason == reason)
        guard reason != .unknownColumn else { return }
        let values = try Observation(Datasets.quotes, Self.valid).values
        let ordered = zip(Datasets.quotes.columns, values).map { $0.name == column ? value : $1 }
        let orderedFault = #expect(throws: ObservationFault.self) {
            try Observation(Datasets.quotes, inOrder: ordered)
        }
        #expect(orderedFault == fault)
    }

    @Test("values in order are neither fewer nor more than the columns")
    func counts() throws {
        let values = try Observation(Datasets.quotes, Self.valid).values
        let fewer = #expect(throws: ObservationFault.self) {
            try Observation(Datasets.quotes, inOrder: values.dropLast())
        }
        #expect(fewer?.column == "trading_day")
        #expect(throws: ObservationFault.self) { try Observation(Datasets.quotes, inOrder: values + [.null]) }
    }

    @Test("times at the edges of what is plausible are taken")
    func edges() throws {
        for microseconds in [946_684_800_000_000, 4_102_444_799_999_999] as [Int64] {
            var named = Self.valid
            named["source_time"] = .instant(Instant(microseconds: microseconds))
            #expect(throws: Never.self) { try Observation(Datasets.quotes, named) }
        }
    }
}
