import EventLog
import JSON
import MarketData

/// A feed's symbol and price type.
struct PolledSeries: Hashable {
    let feed: String
    let symbol: String
    let priceType: String
}

/// Up to when the pollers say that each series' slots are accounted for, by messages before some offsets.
struct PollAccounts {
    /// One series' state: each slot that starts between the two is a quote or in a gap.
    struct Account {
        let series: PolledSeries
        /// nil where a poller did not say.
        let from: Instant?
        var until: Instant
    }

    private(set) var accounts: [Account] = []
    /// Before these offsets are the messages that account for the slots.
    private(set) var offsets: [TopicPartition: Offset] = [:]
    /// Keys of messages that cannot be read.
    private(set) var unreadable: [String] = []

    private struct Message {
        let accounts: [Account]
        let offsets: [TopicPartition: Offset]
    }

    /// Reads the newest message of each shard.
    init(log: any EventLog) async throws(LogError) {
        var newest: [[UInt8]: Message] = [:]
        for (partition, marks) in try await log.marks(of: "pregao.poll-slots") {
            try await log.visit(partition, from: marks.start, to: marks.end) { batch, record in
                guard let key = batch.key(of: record), let value = batch.value(of: record) else { return }
                guard let message = Self.read(value) else {
                    unreadable.append(String(decoding: key, as: UTF8.self))
                    return
                }
                newest[key] = message
            }
        }
        for message in newest.values {
            accounts += message.accounts
            offsets.merge(message.offsets, uniquingKeysWith: max)
        }
    }

    private static func read(_ bytes: [UInt8]) -> Message? {
        guard let json = try? JSONDocument(parsing: bytes, maximumBytes: 64 << 20).root,
            let feed = json["feed"]?.string, let series = json["series"]?.array, let ends = json["offsets"]?.array
        else { return nil }
        var offsets: [TopicPartition: Offset] = [:]
        for end in ends {
            guard let topic = end["topic"]?.string, let offset = end["offset"]?.int64,
                let partition = end["partition"]?.int64.flatMap(Int32.init(exactly:))
            else { return nil }
            offsets[TopicPartition(topic: topic, partition: partition)] = offset
        }
        var accounts: [Account] = []
        for entry in series {
            guard let symbol = entry["symbol"]?.string, let priceType = entry["price_type"]?.string,
                let until = entry["accounted_until"]?.string.flatMap({ Instant(rfc3339: $0) })
            else { return nil }
            accounts.append(
                Account(
                    series: PolledSeries(feed: feed, symbol: symbol, priceType: priceType),
                    from: entry["accounted_from"]?.string.flatMap { Instant(rfc3339: $0) }, until: until))
        }
        return Message(accounts: accounts, offsets: offsets)
    }
}
