import JSON
import MarketData
import Testing

@Suite("Observations as JSON")
struct ObservationJSONTests {
    private func quote() throws -> Observation {
        let noon = try #require(Instant(rfc3339: "2026-11-21T12:00:00.25Z"))
        return try Observation(
            Datasets.quotes,
            [
                "feed": .text("coinbase-spot"), "symbol": .text("BTC-USD"), "price_type": .text("spot"),
                "price": .decimal(try Decimal(parsing: "59465.39029629")), "currency": .text("USD"),
                "scheduled_at": .instant(noon), "poll_interval": .integer(1_000_000), "observed_at": .instant(noon),
            ])
    }

    @Test("members come in the columns' order, nulls left out, numbers exact")
    func writes() throws {
        let json = String(decoding: try quote().json(), as: UTF8.self)
        #expect(
            json
                == #"{"version":1,"feed":"coinbase-spot","symbol":"BTC-USD","price_type":"spot","#
                + #""price":"59465.39029629","currency":"USD","scheduled_at":"2026-11-21T12:00:00.250000Z","#
                + #""poll_interval":1000000,"observed_at":"2026-11-21T12:00:00.250000Z","trading_day":"2026-11-21"}"#)
    }

    @Test("what was written is read back")
    func roundTrip() throws {
        let quote = try quote()
        #expect(try Observation(dataset: Datasets.quotes, parsing: quote.json()) == quote)
    }

    @Test("a column of a later version is left out of an older message, and missing there is null")
    func versions() throws {
        let grown = Dataset(
            name: "grown", description: "", keyColumn: "symbol", tradingDay: TradingDayRule(column: "at"),
            columns: [
                Column("symbol", .text, ""), Column("at", .instant, ""), Column("trading_day", .day, ""),
                Column("open", .boolean, nullable: true, since: 2, ""),
            ])
        let observation = try Observation(
            grown,
            [
                "symbol": .text("X"), "at": .instant(Instant(microseconds: 1_700_000_000_000_000)),
                "open": .boolean(true),
            ])
        #expect(try Observation(dataset: grown, parsing: observation.json()) == observation)
        let older = try Observation(dataset: grown, parsing: observation.json(version: 1))
        #expect(older["open"] == .null)
        #expect(throws: MessageFault.newerVersion(3)) {
            try Observation(dataset: grown, parsing: Array(#"{"version":3,"symbol":"X"}"#.utf8))
        }
    }

    @Test(
        "what is not a message of the dataset is refused with its reason",
        arguments: [
            ("[]", MessageFault.json(.notAnObject)), ("{}", .noVersion), (#"{"version":0}"#, .noVersion),
            (#"{"version":"1"}"#, .noVersion), (#"{"version":2}"#, .newerVersion(2)),
            (#"{"version":1,"price":12.5}"#, .wrongForm(column: "price")),
            (#"{"version":1,"price":"NaN"}"#, .wrongForm(column: "price")),
            (#"{"version":1,"symbol":7}"#, .wrongForm(column: "symbol")),
            (#"{"version":1,"version":1}"#, .json(.duplicateKey("version"))),
        ])
    func refuses(text: String, fault: MessageFault) {
        #expect(throws: fault) { try Observation(dataset: Datasets.quotes, parsing: Array(text.utf8)) }
    }

    @Test("every dataset has a schema that is JSON and names each column", arguments: Datasets.all)
    func schemas(dataset: Dataset) throws {
        let schema = try JSONDocument(parsing: dataset.jsonSchema())
        #expect(schema["$schema"]?.string == "https://json-schema.org/draft/2020-12/schema")
        for column in dataset.columns {
            #expect(schema["properties"]?[column.name]?["description"]?.string?.isEmpty == false)
            let isRequired = schema["required"]?.array?.contains(.string(column.name))
            #expect(isRequired == !column.isNullable)
        }
    }
}

@Suite("Writing JSON")
struct JSONWriterTests {
    @Test("commas stand between values and members only")
    func commas() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("a")
        writer.beginArray()
        writer.integer(Int64.min)
        writer.integer(UInt64.max)
        writer.null()
        writer.beginObject()
        writer.endObject()
        writer.endArray()
        writer.name("b")
        writer.boolean(true)
        writer.endObject()
        let expected = #"{"a":[-9223372036854775808,18446744073709551615,null,{}],"b":true}"#
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
        writer.reset()
        writer.raw("0".utf8)
        #expect(writer.bytes == Array("0".utf8))
    }

    @Test("every scalar below U+0100 and beyond survives being written and read")
    func escapes() throws {
        let text = String(String.UnicodeScalarView((0...255).compactMap { Unicode.Scalar($0) })) + "\u{2028}😀\u{FFFF}"
        var writer = JSONWriter()
        writer.string(text)
        #expect(try JSONDocument(parsing: writer.bytes).root.string == text)
        #expect(writer.bytes.allSatisfy { $0 >= 0x20 })
    }
}
