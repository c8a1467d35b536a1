import EventLog
import Feeds
import JSON
import MarketData
import Testing

@testable import Poller

private func at(_ seconds: Int64) -> Instant { Instant(microseconds: (1_700_000_000 + seconds) * 1_000_000) }

@Suite(.timeLimit(.minutes(1)))
struct SlotBookTests {
    private let bitcoin = Series(symbol: "BTC-USD", priceType: "spot")
    private let ether = Series(symbol: "ETH-USD", priceType: "spot")
    private let quotes = TopicPartition(topic: "pregao.quotes", partition: 0)

    private func gap(_ series: Series, _ slots: Range<Instant>) throws -> OutgoingMessage {
        let row = try Observation(
            Datasets.gaps,
            [
                "feed": .text("coinbase-spot"), "symbol": .text(series.symbol), "price_type": .text(series.priceType),
                "from_time": .instant(slots.lowerBound), "to_time": .instant(slots.upperBound),
                "reason": .text("timeout"), "tries": .integer(1), "observed_at": .instant(at(0)),
            ])
        return OutgoingMessage(topic: Datasets.gaps.topic, key: Array(series.symbol.utf8), value: row.json())
    }

    @Test("What is recorded is read as it was, slots that were settled ahead of others included")
    func message() throws {
        var ledger = SlotLedger(from: at(10))
        ledger.settle(at(12)..<at(13))
        let message = SlotsMessage(
            feed: "coinbase-spot", shard: 3, offsets: [quotes: 42],
            entries: [SlotsMessage.Entry(series: bitcoin, ledger: ledger)])
        #expect(SlotsMessage(parsing: try #require(message.message.value)) == message)
    }

    @Test("A message that does not say from when tells of what comes after it")
    func withoutBeginning() throws {
        let text =
            #"{"version":1,"feed":"f","shard":0,"offsets":[],"series":["#
            + #"{"symbol":"BTC-USD","price_type":"spot","accounted_until":"\#(at(3))"}]}"#
        let message = try #require(SlotsMessage(parsing: Array(text.utf8)))
        #expect(message.entries.map(\.ledger) == [SlotLedger(from: at(3))])
    }

    @Test("What is no such message is none", arguments: ["", "{}", "[1]", #"{"version":2,"feed":"a","shard":0}"#])
    func noMessage(text: String) { #expect(SlotsMessage(parsing: Array(text.utf8)) == nil) }

    @Test("The state is the recorded one and what was appended since; other feeds' state is not read")
    func read() async throws {
        let folder = try TemporaryLog()
        let log = try await folder.open()
        try await DatasetTopics.declareMissing(in: log)
        try await log.declare(SlotsMessage.topic)
        var book = SlotBook()
        book["coinbase-spot", bitcoin] = SlotLedger(from: at(0))
        book["coinbase-spot", ether] = SlotLedger(from: at(0))
        book["coinbase-ticker", bitcoin] = SlotLedger(from: at(0))
        _ = try await log.append([try gap(ether, at(0)..<at(100))])
        let gaps = TopicPartition(topic: Datasets.gaps.topic, partition: 0)
        let messages = book.messages(feeds: ["coinbase-spot", "coinbase-ticker"], offsets: [gaps: 1])
        _ = try await log.append(messages)
        _ = try await log.append([
            try gap(bitcoin, at(5)..<at(6)), try gap(bitcoin, at(0)..<at(3)),
            OutgoingMessage(topic: Datasets.gaps.topic, key: nil, value: Array("not JSON".utf8)),
        ])
        let read = try await SlotBook.read(feeds: ["coinbase-spot"], from: log)
        #expect(read["coinbase-spot", bitcoin]?.holes(until: at(8)) == [at(3)..<at(5), at(6)..<at(8)])
        #expect(read["coinbase-spot", ether]?.accountedUntil == at(0))
        #expect(read["coinbase-ticker", bitcoin] == nil)
        await log.close()
    }
}
