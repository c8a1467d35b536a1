import EventLog
import Feeds
import JSON
import MarketData

/// The ledgers of every series that was ever polled, by feed.
struct SlotBook: Sendable {
    private(set) var ledgers: [String: [Series: SlotLedger]] = [:]
    /// From where quotes and gaps are to be read that the ledgers do not know yet.
    private(set) var offsets: [TopicPartition: Offset] = [:]

    subscript(feed: String, series: Series) -> SlotLedger? {
        get { ledgers[feed]?[series] }
        set { ledgers[feed, default: [:]][series] = newValue }
    }

    /// Settles slots of a series that the book has.
    mutating func settle(_ feed: String, _ series: Series, _ slots: Range<Instant>) {
        ledgers[feed]?[series]?.settle(slots)
    }

    /// Has a series that the book has begin at `start`.
    mutating func begin(_ feed: String, _ series: Series, at start: Instant) {
        ledgers[feed]?[series]?.begin(at: start)
    }

    mutating func take(_ message: SlotsMessage) {
        for entry in message.entries { self[message.feed, entry.series] = entry.ledger }
        // Shards may have been written at different times; the earliest knows least.
        for (partition, offset) in message.offsets { offsets[partition] = min(offsets[partition] ?? offset, offset) }
    }

    /// The state of these feeds' series, by shards.
    func messages(feeds: Set<String>, offsets: [TopicPartition: Offset]) -> [OutgoingMessage] {
        var messages: [OutgoingMessage] = []
        for feed in feeds.sorted() {
            let shards = Dictionary(grouping: ledgers[feed] ?? [:]) { SlotsMessage.shard(of: $0.key) }
            for (shard, series) in shards.sorted(by: { $0.key < $1.key }) {
                let entries = series.map { SlotsMessage.Entry(series: $0.key, ledger: $0.value) }
                    .sorted { ($0.series.symbol, $0.series.priceType) < ($1.series.symbol, $1.series.priceType) }
                messages.append(SlotsMessage(feed: feed, shard: shard, offsets: offsets, entries: entries).message)
            }
        }
        return messages
    }
}

extension SlotBook {
    /// Reads the last recorded state of these feeds, then the quotes and gaps appended since.
    static func read(feeds: Set<String>, from log: any EventLog) async throws(LogError) -> SlotBook {
        var messages: [[UInt8]: SlotsMessage] = [:]
        for (partition, marks) in try await log.watermarks(of: SlotsMessage.topic.name) {
            try await log.forEach(in: partition, from: marks.start, to: marks.end) { batch, record in
                guard let key = batch.key(of: record), let value = batch.value(of: record) else { return }
                // A feed that is no longer polled would have everything read since then.
                if let message = SlotsMessage(parsing: value), feeds.contains(message.feed) { messages[key] = message }
            }
        }
        var book = SlotBook()
        for message in messages.values { book.take(message) }
        guard !messages.isEmpty else { return book }
        for dataset in [Datasets.quotes, Datasets.gaps] {
            let reader = SlotReader(dataset)
            for (partition, marks) in try await log.watermarks(of: dataset.topic) {
                let start = max(marks.start, book.offsets[partition] ?? marks.start)
                try await log.forEach(in: partition, from: start, to: marks.end) { batch, record in
                    guard let value = batch.value(of: record), let slot = reader.slot(value) else { return }
                    book.settle(slot.feed, slot.series, slot.slots)
                }
            }
        }
        return book
    }
}

/// Which slots a quote or a gap accounts for.
struct SlotReader {
    private let isGaps: Bool

    init(_ dataset: Dataset) { isGaps = dataset == Datasets.gaps }

    func slot(_ value: [UInt8]) -> (feed: String, series: Series, slots: Range<Instant>)? {
        guard let json = try? JSONDocument(parsing: value), let feed = json["feed"]?.string,
            let symbol = json["symbol"]?.string, let priceType = json["price_type"]?.string
        else { return nil }
        let series = Series(symbol: symbol, priceType: priceType)
        func time(_ name: String) -> Instant? { json[name]?.string.flatMap { Instant(rfc3339: $0) } }
        if isGaps {
            guard let from = time("from_time"), let to = time("to_time"), from < to else { return nil }
            return (feed, series, from..<to)
        }
        guard let from = time("scheduled_at"), let interval = json["poll_interval"]?.int64, interval > 0 else {
            return nil
        }
        return (feed, series, from..<from.adding(microseconds: interval))
    }
}

extension EventLog {
    /// Every record of [from, to), in ascending order.
    func forEach(
        in partition: TopicPartition, from: Offset, to: Offset, _ body: (RecordBatch, RecordBatch.Record) -> Void
    ) async throws(LogError) {
        var next = from
        while next < to {
            let batch = try await read(partition, from: next, to: to, maximumBytes: 4 << 20)
            for record in batch.records { body(batch, record) }
            guard batch.nextOffset > next else { return }
            next = batch.nextOffset
        }
    }
}
