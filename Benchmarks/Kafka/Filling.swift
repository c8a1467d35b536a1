import EventLog
import MarketData
import SampleQuotes

extension Cluster {
    /// Appends so many quotes of 1,000 symbols, as a poller does: in transactions, compressed with zstd.
    ///
    /// - Returns: the bytes of their values.
    func fill(quotes count: Int) async throws -> Int {
        var quotes = Quotes(symbols: 1000)
        var bytes = 0
        var done = 0
        while done < count {
            var messages: [OutgoingMessage] = []
            for _ in 0..<min(40_000, count - done) {
                let key = Array(quotes.symbol.utf8)
                let value = try quotes.next()
                bytes += value.count
                messages.append(OutgoingMessage(topic: Datasets.quotes.topic, key: key, value: value))
            }
            _ = try await log.append(messages)
            done += messages.count
        }
        return bytes
    }
}
