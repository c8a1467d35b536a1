import JSON
import MarketData

/// Quotes as the poller writes them, one after the other in one block.
struct Messages {
    private(set) var bytes: [UInt8] = []
    /// Where each message ends.
    private(set) var ends: [Int] = []

    /// A random walk of 50 symbols, one quote a symbol and second, the same each time.
    init(quotes count: Int) throws {
        var generator = SplitMix64(state: 1)
        var cents = (0..<50).map { _ in Int64.random(in: 100...10_000_000, using: &generator) }
        let start = Instant(microseconds: 1_795_219_200_000_000)
        var writer = JSONWriter(reserving: 512)
        for number in 0..<count {
            let symbol = number % cents.count
            cents[symbol] = max(1, cents[symbol] + Int64.random(in: -50...50, using: &generator))
            let slot = start.adding(microseconds: Int64(number / cents.count) * 1_000_000)
            let latency = Int64.random(in: 20_000...120_000, using: &generator)
            writer.reset()
            try Observation(
                Datasets.quotes,
                [
                    "feed": .text("coinbase-spot"), "symbol": .text("COIN\(symbol)-USD"), "price_type": .text("spot"),
                    "price": .decimal(try Decimal(parsing: "\(cents[symbol])e-2")), "currency": .text("USD"),
                    "scheduled_at": .instant(slot), "poll_interval": .integer(1_000_000),
                    "observed_at": .instant(slot.adding(microseconds: latency)),
                ]
            ).write(to: &writer)
            bytes += writer.bytes
            ends.append(bytes.count)
        }
    }
}

/// Repeats itself, so that every run encodes the same rows.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
