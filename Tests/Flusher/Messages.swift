import EventLog
import MarketData

/// A small dataset that has grown: `note` came with version 2.
let pricesDataset = Dataset(
    name: "prices", description: "For tests.", keyColumn: "symbol",
    tradingDay: TradingDayRule(column: "observed_at"),
    columns: [
        Column("symbol", .text, "The symbol."),
        Column("price", .decimal, "The price."),
        Column("observed_at", .instant, "When."),
        Column("trading_day", .day, "The UTC day of observed_at."),
        Column("note", .text, nullable: true, since: 2, "A later thought."),
    ])

/// A message of ``pricesDataset`` whose price is `number`, so that each can be told from the others.
func priceMessage(_ number: Int, version: Int = 2) -> [UInt8] {
    let text = """
        {"version":\(version),"symbol":"S\(number % 7)","price":"\(number).5",\
        "observed_at":"2026-11-21T11:15:00.000000Z","trading_day":"2026-11-21"}
        """
    return Array(text.utf8)
}

extension RecordBatch {
    /// Values at consecutive offsets, taken by the log at noon of 2026-11-21, one a second.
    init(_ source: TopicPartition, from start: Offset, values: [[UInt8]?]) {
        self.init(source: source, startingAt: start)
        let noon: Int64 = 1_795_262_400_000_000
        for (index, value) in values.enumerated() {
            let timestamp = Instant(microseconds: noon + Int64(index) * 1_000_000)
            let key = Array("key".utf8)
            key.withUnsafeBytes { key in
                if let value {
                    value.withUnsafeBytes {
                        append(offset: start + Int64(index), timestamp: timestamp, key: key, value: $0)
                    }
                } else {
                    append(offset: start + Int64(index), timestamp: timestamp, key: key, value: nil)
                }
            }
        }
    }
}
