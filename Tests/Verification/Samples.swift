import EventLog
import JSON
import MarketData

/// The quotes and gaps that the pipeline of these tests is filled with: two symbols that lie in different partitions,
/// a slot a second from ten seconds before a day's end to ten seconds after it.
enum Samples {
    static let midnight = Day(daysSinceEpoch: 20_459).startInUTC
    static let symbols = ["BTC-USD", "ETH-USD"]
    /// Of each symbol, the slot that is a gap.
    static let gap = 5

    static func start(ofSlot slot: Int) -> Instant { midnight.adding(microseconds: Int64(slot - 10) * 1_000_000) }

    static func quote(_ symbol: String, slot: Int) throws -> OutgoingMessage {
        let scheduled = start(ofSlot: slot)
        let observation = try Observation(
            Datasets.quotes,
            [
                "feed": .text("coinbase-spot"), "symbol": .text(symbol), "price_type": .text("spot"),
                "price": .decimal(try decimal("\(100 + slot).25")), "scheduled_at": .instant(scheduled),
                "poll_interval": .integer(1_000_000),
                "observed_at": .instant(scheduled.adding(microseconds: 50_000)),
            ])
        return OutgoingMessage(topic: Datasets.quotes.topic, key: Array(symbol.utf8), value: observation.json())
    }

    static func gap(_ symbol: String, slots: Range<Int>) throws -> OutgoingMessage {
        let from = start(ofSlot: slots.lowerBound)
        let observation = try Observation(
            Datasets.gaps,
            [
                "feed": .text("coinbase-spot"), "symbol": .text(symbol), "price_type": .text("spot"),
                "from_time": .instant(from), "to_time": .instant(start(ofSlot: slots.upperBound)),
                "reason": .text("http-status"), "tries": .integer(1),
                "observed_at": .instant(start(ofSlot: slots.upperBound)),
            ])
        return OutgoingMessage(topic: Datasets.gaps.topic, key: Array(symbol.utf8), value: observation.json())
    }

    /// What retention took before it was read, as the flusher says it.
    static func lost(_ offsets: Range<Int>, after time: Instant) throws -> OutgoingMessage {
        let place = "\(Datasets.quotes.topic)/0"
        let observation = try Observation(
            Datasets.gaps,
            [
                "feed": .text("quotes"), "symbol": .text(place), "from_time": .instant(time),
                "to_time": .instant(time.adding(microseconds: 1_000_000)), "reason": .text("lost-to-retention"),
                "detail": .text("offsets \(offsets.lowerBound) to \(offsets.upperBound - 1)"), "tries": .integer(0),
                "observed_at": .instant(time.adding(microseconds: 1_000_000)),
            ])
        return OutgoingMessage(topic: Datasets.gaps.topic, key: Array(place.utf8), value: observation.json())
    }

    static func unreadable(_ symbol: String) -> OutgoingMessage {
        OutgoingMessage(topic: Datasets.quotes.topic, key: Array(symbol.utf8), value: Array("<html>".utf8))
    }

    /// Says that all slots before `slot` are accounted for by what the log has now.
    ///
    /// - Parameter first: the slot that each series began with, where that is said.
    static func accounts(
        from first: Int? = nil, until slot: Int, of symbols: [String] = Samples.symbols, log: any EventLog
    ) async throws -> OutgoingMessage {
        var offsets: [String] = []
        for topic in [Datasets.quotes.topic, Datasets.gaps.topic] {
            for (partition, marks) in try await log.watermarks(of: topic) {
                offsets.append(
                    #"{"topic":"\#(topic)","partition":\#(partition.partition),"offset":\#(marks.end)}"#)
            }
        }
        let from = first.map { #""accounted_from":"\#(start(ofSlot: $0))","# } ?? ""
        let series = symbols.map {
            #"{"symbol":"\#($0)","price_type":"spot",\#(from)"accounted_until":"\#(start(ofSlot: slot))"}"#
        }
        let text = """
            {"version":1,"feed":"coinbase-spot","shard":0,"offsets":[\(offsets.joined(separator: ","))],\
            "series":[\(series.joined(separator: ","))]}
            """
        return OutgoingMessage(
            topic: "pregao.poll-slots", key: Array("coinbase-spot/0".utf8), value: Array(text.utf8))
    }

    private static func decimal(_ text: String) throws -> Decimal {

        try Decimal(parsing: text)
    }
}
