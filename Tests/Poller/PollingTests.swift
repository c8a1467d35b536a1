import EventLog
import Exchange
import MarketData
import Runtime
import Testing

@testable import Poller

@Suite(.timeLimit(.minutes(1)))
struct PollingTests {
    @Test("Each slot is filled by one quote, one slot after the other")
    func quotes() async throws {
        let exchange = try Exchange()
        try exchange.start()
        let folder = try TemporaryLog()
        let log = try await folder.open()
        try await poll(spotSettings(exchange.baseURL, ["BTC-USD", "ETH-USD"]), log: log) { $0.count >= 20 }
        let quotes = try await log.rows(of: Datasets.quotes)
        for symbol in ["BTC-USD", "ETH-USD"] {
            let slots = quotes.filter { $0.text("symbol") == symbol }.compactMap(\.slots).sorted {
                $0.lowerBound < $1.lowerBound
            }
            #expect(slots.count >= 5)
            for (slot, next) in zip(slots, slots.dropFirst()) { #expect(slot.upperBound == next.lowerBound) }
        }
        await log.close()
        try await exchange.stop()
    }
}
