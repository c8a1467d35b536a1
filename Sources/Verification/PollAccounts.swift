import EventLog
import JSON
import MarketData

/// Up to when the poller says that each series' slots are accounted for, in the log and so in the catalog.
struct PollAccounts {
    /// One series' state.
    struct Account {
        let feed: String
        let symbol: String
        let priceType: String
        let until: Instant
    }

    /// By the newest message of each shard whose quotes and gaps are all in the catalog.
    private(set) var archived: [Account] = []
    /// Series of which no such message is left.
    private(set) var waiting = 0
    /// Keys of messages that cannot be read.
    private(set) var unreadable: [String] = []

    private struct Message {
        let accounts: [Account]
        let offsets: [TopicPartition: Offset]
    }

    /// - Parameter reached: how far the catalog reaches.
    init(log: any EventLog, reached: [TopicPartition: Offset]) async throws(LogError) {
        var newest: [[UInt8]: (archived: Message?, last: Message)] = [:]
        for (partition, marks) in try await log.marks(of: "pregao.poll-slots") {
            try await log.visit(partition, from: marks.start, to: marks.end) { batch, record in
                guard let key = batch.key(of: record), let value = batch.value(of: record) else { return }
                guard let message = Self.read(value) else {
                    unreadable.append(String(decoding: key, as: UTF8.self))
                    return
                }
                let isArchived = message.offsets.allSatisfy { $1 == 0 || reached[$0] ?? 0 >= $1 }
                newest[key] = (isArchived ? message : newest[key]?.archived, message)
            }
        }
        for entry in newest.values {
            if let message = entry.archived {
                archived += message.accounts
            } else {
                waiting += entry.last.accounts.count
            }
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
            accounts.append(Account(feed: feed, symbol: symbol, priceType: priceType, until: until))
        }
        return Message(accounts: accounts, offsets: offsets)
    }
}
