import EventLog
import Feeds
import JSON
import MarketData

/// A message of `pregao.poll-slots`: up to when the slots of one feed's shard of series are accounted for by the
/// messages of the quotes' and gaps' topics before the given offsets.
struct SlotsMessage: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        let series: Series
        let ledger: SlotLedger
    }

    static let topic = TopicDeclaration(name: "pregao.poll-slots", partitions: 1, retention: Retention(.compact))
    static let shards = 16
    private static let version: Int64 = 1

    let feed: String
    let shard: Int
    /// The end of each partition that this message knows of.
    let offsets: [TopicPartition: Offset]
    let entries: [Entry]

    var message: OutgoingMessage {
        OutgoingMessage(topic: Self.topic.name, key: Array("\(feed)/\(shard)".utf8), value: value)
    }

    /// The same from one start to the next.
    static func shard(of series: Series) -> Int {
        Int(stableHash("\(series.symbol) \(series.priceType)") % UInt64(shards))
    }

    private var value: [UInt8] {
        var writer = JSONWriter(reserving: 128 + 96 * entries.count)
        writer.beginObject()
        writer.name("version")
        writer.integer(Self.version)
        writer.name("feed")
        writer.string(feed)
        writer.name("shard")
        writer.integer(shard)
        writer.name("offsets")
        writer.beginArray()
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            writer.beginObject()
            writer.name("topic")
            writer.string(partition.topic)
            writer.name("partition")
            writer.integer(partition.partition)
            writer.name("offset")
            writer.integer(offset)
            writer.endObject()
        }
        writer.endArray()
        writer.name("series")
        writer.beginArray()
        for entry in entries { entry.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

extension SlotsMessage.Entry {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.name("symbol")
        writer.string(series.symbol)
        writer.name("price_type")
        writer.string(series.priceType)
        writer.name("accounted_from")
        writer.instant(ledger.accountedFrom)
        writer.name("accounted_until")
        writer.instant(ledger.accountedUntil)
        if !ledger.ahead.isEmpty {
            writer.name("accounted_after")
            writer.beginArray()
            for stretch in ledger.ahead {
                writer.beginArray()
                writer.instant(stretch.lowerBound)
                writer.instant(stretch.upperBound)
                writer.endArray()
            }
            writer.endArray()
        }
        writer.endObject()
    }

    fileprivate init?(_ json: JSONValue) {
        guard let symbol = json["symbol"]?.string, let priceType = json["price_type"]?.string,
            let until = instant(json["accounted_until"])
        else { return nil }
        // Pollers before this one did not say from when.
        var ledger = SlotLedger(from: instant(json["accounted_from"]) ?? until, until: until)
        for stretch in json["accounted_after"]?.array ?? [] {
            guard let from = instant(stretch[0]), let to = instant(stretch[1]), from < to else { return nil }
            ledger.settle(from..<to)
        }
        self.init(series: Series(symbol: symbol, priceType: priceType), ledger: ledger)
    }
}

private func instant(_ json: JSONValue?) -> Instant? { json?.string.flatMap { Instant(rfc3339: $0) } }

extension SlotsMessage {
    /// - Returns: nil where the bytes are not such a message of this version.
    init?(parsing bytes: [UInt8]) {
        guard let json = try? JSONDocument(parsing: bytes, maximumBytes: 64 << 20),
            json["version"]?.int64 == Self.version,
            let feed = json["feed"]?.string, let shard = json["shard"]?.int64,
            let offsets = json["offsets"]?.array, let series = json["series"]?.array
        else { return nil }
        var ends: [TopicPartition: Offset] = [:]
        for entry in offsets {
            guard let topic = entry["topic"]?.string, let partition = entry["partition"]?.int64,
                let offset = entry["offset"]?.int64, let number = Int32(exactly: partition)
            else { return nil }
            ends[TopicPartition(topic: topic, partition: number)] = offset
        }
        var entries: [Entry] = []
        for entry in series {
            guard let entry = Entry(entry) else { return nil }
            entries.append(entry)
        }
        self.init(feed: feed, shard: Int(shard), offsets: ends, entries: entries)
    }
}
