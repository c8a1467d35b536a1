import Lake
import MarketData

/// A dataset with every type, each once required and once nullable, and one column that came later.
enum Samples {
    static let dataset = Dataset(
        name: "every-type", description: "Every type.", keyColumn: "name",
        tradingDay: TradingDayRule(column: "seen_at"),
        columns: [
            Column("name", .text, ""), Column("note", .text, nullable: true, ""),
            Column("count", .integer, ""), Column("count_or_null", .integer, nullable: true, ""),
            Column("price", .decimal, ""), Column("price_or_null", .decimal, nullable: true, ""),
            Column("seen_at", .instant, ""), Column("seen_or_null", .instant, nullable: true, ""),
            Column("trading_day", .day, ""), Column("day_or_null", .day, nullable: true, ""),
            Column("flag", .boolean, ""), Column("flag_or_null", .boolean, nullable: true, ""),
            Column("later", .text, nullable: true, since: 2, ""),
        ])

    static let required = """
        "name":"BTC-USD","count":-7,"price":"28.4","seen_at":"2026-11-21T11:15:00.123456Z",\
        "trading_day":"2026-11-21","flag":true
        """

    static func message(version: Int = 1, _ members: String = required) -> String {
        "{\"version\":\(version),\(members)}"
    }

    static func message(replacing old: String, with new: String) -> String {
        message(required.replacing(old, with: new))
    }

    static func message(adding member: String) -> String { message(required + "," + member) }
}

extension RawFileEncoder {
    mutating func append(_ message: String, offset: Int64 = 0) -> Verdict {
        append(Array(message.utf8), offset: offset)
    }

    mutating func append(_ message: [UInt8], offset: Int64 = 0) -> Verdict {
        message.withUnsafeBytes { append($0, offset: offset) }
    }

    consuming func finish() throws -> EncodedRawFile { try finish(range: 0..<1, topic: "pregao.t", epoch: "k3v9x2ab") }
}
