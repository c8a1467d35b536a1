import EventLog
import JSON
import MarketData

/// The pollers' accounts as far as the catalog has the messages that they rest on.
///
/// The newest account of a running pipeline always rests on messages that are still on their way, and retention leaves
/// few older ones. So each is taken back to the first slot of its series that is on its way.
struct ArchivedAccounts {
    private(set) var accounts: [PollAccounts.Account]
    /// Series whose account goes further than the catalog reaches.
    private(set) var waiting = 0
    /// Keys of the accounts' messages that cannot be read.
    let unreadable: [String]
    /// Partitions of which the log no longer has what the catalog does not have yet: no account can be taken back then.
    private(set) var gone: [TopicPartition] = []

    /// - Parameter reached: up to where the catalog has the messages of each partition.
    init(_ told: PollAccounts, log: any EventLog, reached: [TopicPartition: Offset]) async throws(LogError) {
        accounts = told.accounts
        unreadable = told.unreadable
        var first: [PolledSeries: Instant] = [:]
        for (partition, end) in told.offsets.sorted(by: { $0.key < $1.key }) where reached[partition] ?? 0 < end {
            let marks = try await log.marks(of: partition.topic)[partition]
            let start = reached[partition] ?? marks?.start ?? end
            try await log.visit(partition, from: start, to: end) { batch, record in
                guard let value = batch.value(of: record), let (series, slot) = Self.slot(value) else { return }
                first[series] = min(first[series] ?? slot, slot)
            }
            // Retention goes on meanwhile.
            let kept = try await log.marks(of: partition.topic)[partition]?.start ?? .max
            if kept > start { gone.append(partition) }
        }
        guard gone.isEmpty else {
            accounts = []
            return
        }
        for index in accounts.indices {
            guard let slot = first[accounts[index].series], slot < accounts[index].until else { continue }
            accounts[index].until = slot
            waiting += 1
        }
    }

    /// The series of a quote or a gap, and the start of its first slot.
    private static func slot(_ value: [UInt8]) -> (PolledSeries, Instant)? {
        guard let json = try? JSONDocument(parsing: value).root, let feed = json["feed"]?.string,
            let symbol = json["symbol"]?.string, let priceType = json["price_type"]?.string,
            let time = (json["scheduled_at"] ?? json["from_time"])?.string.flatMap({ Instant(rfc3339: $0) })
        else { return nil }
        return (PolledSeries(feed: feed, symbol: symbol, priceType: priceType), time)
    }
}
