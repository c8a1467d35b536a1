/// Every dataset that Pregão knows.
public enum Datasets {
    public static let all: [Dataset] = [quotes, bars, gaps, runs]

    public static func named(_ name: String) -> Dataset? { all.first { $0.name == name } }

    public static func ofTopic(_ topic: String) -> Dataset? { all.first { $0.topic == topic } }

    /// One observed price. `scheduled_at` and `poll_interval` say which poll slot the quote fills:
    /// [scheduled_at, scheduled_at + poll_interval).
    public static let quotes = Dataset(
        name: "quotes", description: "Prices as polled, one row an answer.", keyColumn: "symbol",
        tradingDay: TradingDayRule(column: "observed_at"),
        columns: [
            Column("feed", .text, "The feed that observed it, such as coinbase-spot."),
            Column("symbol", .text, "The source's symbol, such as BTC-USD."),
            Column("price_type", .text, "What the price is: spot, buy, sell or trade."),
            Column("price", .decimal, "The price, in the quote currency."),
            Column("currency", .text, nullable: true, "The quote currency, as the source names it."),
            Column("bid", .decimal, nullable: true, "Best bid, where the source gives one."),
            Column("ask", .decimal, nullable: true, "Best ask, where the source gives one."),
            Column("size", .decimal, nullable: true, "The last trade's size."),
            Column("volume", .decimal, nullable: true, "The volume of the last 24 hours, in the base currency."),
            Column("trade_id", .integer, nullable: true, "The source's number of the last trade."),
            Column("source_time", .instant, nullable: true, "The source's own time."),
            Column("scheduled_at", .instant, "When the poll was due: the start of the slot it fills."),
            Column("poll_interval", .integer, "The slot's length in microseconds."),
            Column("observed_at", .instant, "When the answer was complete, by our clock."),
            Column("trading_day", .day, "The UTC day of observed_at."),
        ])

    /// One bar (candle) of a symbol.
    public static let bars = Dataset(
        name: "bars", description: "Bars (candles) as the source gives them, one row a bar.", keyColumn: "symbol",
        tradingDay: TradingDayRule(column: "start_time"), isFilledByRuns: true,
        columns: [
            Column("feed", .text, "The feed that observed it, such as coinbase-candles."),
            Column("symbol", .text, "The source's symbol, such as BTC-USD."),
            Column("interval", .integer, "The bar's length in seconds."),
            Column("start_time", .instant, "The bar's first moment."),
            Column("open", .decimal, "First price."),
            Column("high", .decimal, "Highest price."),
            Column("low", .decimal, "Lowest price."),
            Column("close", .decimal, "Last price."),
            Column("volume", .decimal, nullable: true, "Traded quantity."),
            Column("currency", .text, nullable: true, "The quote currency, as the source names it."),
            Column("observed_at", .instant, "When the answer was complete, by our clock."),
            Column("trading_day", .day, "The UTC day of start_time."),
            Column("run_id", .text, nullable: true, "The run whose task yielded the row."),
            Column("task_key", .text, nullable: true, "The task that yielded the row."),
        ])

    /// Why an observation that was due is missing. A gap covers [from_time, to_time) of a feed's poll slots, or of the
    /// log's times where retention took messages before they were read.
    public static let gaps = Dataset(
        name: "gaps", description: "Poll slots without a quote, with the reason.", keyColumn: "symbol",
        tradingDay: TradingDayRule(column: "from_time"),
        columns: [
            Column("feed", .text, "The feed whose poll failed; the dataset whose messages were lost to retention."),
            Column("symbol", .text, "The symbol whose poll failed; the topic and partition of what was lost."),
            Column("price_type", .text, nullable: true, "The series' price type, for feeds of quotes."),
            Column("from_time", .instant, "The first missing slot's start."),
            Column("to_time", .instant, "The last missing slot's end."),
            Column("reason", .text, "A word from the list in docs/, such as http-status, malformed, downtime."),
            Column("detail", .text, nullable: true, "What was seen, in a sentence."),
            Column("tries", .integer, "Requests made for these slots."),
            Column("observed_at", .instant, "When the gap was recorded, by our clock."),
            Column("trading_day", .day, "The UTC day of from_time."),
        ])

    /// What was asked, by whom, when, with what result: one row an event of a run.
    public static let runs = Dataset(
        name: "runs", description: "The events of runs: requested, each task's end, completed.", keyColumn: "run_id",
        tradingDay: TradingDayRule(column: "observed_at"), isFilledByRuns: true,
        columns: [
            Column("run_id", .text, "The run."),
            Column("feed", .text, "The feed whose tasks it made."),
            Column("event", .text, "requested, task-succeeded, task-failed or completed."),
            Column("task_key", .text, nullable: true, "The task, for a task's event."),
            Column("requested_by", .text, nullable: true, "Who asked: schedule, backfill, api."),
            Column("tasks_total", .integer, nullable: true, "How many tasks the run has."),
            Column("tasks_left", .integer, nullable: true, "How many tasks have not ended."),
            Column("rows", .integer, nullable: true, "Rows that the task yielded."),
            Column("detail", .text, nullable: true, "The request in full, or why a task failed."),
            Column(
                "reaches", .text, nullable: true,
                "JSON: for each data partition (topic/partition) the offset that the run's rows reach."),
            Column("observed_at", .instant, "When it happened, by our clock."),
            Column("trading_day", .day, "The UTC day of observed_at."),
        ])
}
