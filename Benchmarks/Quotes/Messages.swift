import JSON
import MarketData

/// A random walk of symbols, one quote a symbol and second, as the poller writes them; the same each time.
public struct Quotes {
    private var generator = SplitMix64(state: 1)
    private var cents: [Int64]
    private var number = 0
    private var writer = JSONWriter(reserving: 512)

    public init(symbols: Int) {
        cents = []
        cents = (0..<symbols).map { _ in Int64.random(in: 100...10_000_000, using: &generator) }
    }

    /// The symbol that the next quote is of.
    public var symbol: String { "COIN\(number % cents.count)-USD" }

    /// Writes the next quote's message; valid until the next.
    public mutating func next() throws -> [UInt8] {
        let start = Instant(microseconds: 1_795_219_200_000_000)
        let index = number % cents.count
        cents[index] = max(1, cents[index] + Int64.random(in: -50...50, using: &generator))
        let slot = start.adding(microseconds: Int64(number / cents.count) * 1_000_000)
        let latency = Int64.random(in: 20_000...120_000, using: &generator)
        writer.reset()
        try Observation(
            Datasets.quotes,
            [
                "feed": .text("coinbase-spot"), "symbol": .text(symbol), "price_type": .text("spot"),
                "price": .decimal(try Decimal(parsing: "\(cents[index])e-2")), "currency": .text("USD"),
                "scheduled_at": .instant(slot), "poll_interval": .integer(1_000_000),
                "observed_at": .instant(slot.adding(microseconds: latency)),
            ]
        ).write(to: &writer)
        number += 1
        return writer.bytes
    }
}

/// Messages of quotes, one after the other in one block.
public struct Messages {
    public private(set) var bytes: [UInt8] = []
    /// Where each message ends.
    public private(set) var ends: [Int] = []

    public init(quotes count: Int) throws {
        var quotes = Quotes(symbols: 50)
        for _ in 0..<count {
            bytes += try quotes.next()
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
