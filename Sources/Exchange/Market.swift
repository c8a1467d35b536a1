import Synchronization

/// The random walks that prices come from.
///
/// Every price is the only one of its kind in a run: its eight decimals are the answer's serial number, and its integer
/// part tells how often those have gone round. So a price found anywhere names the answer that it came from.
final class Market: Sendable {
    private static let shards = 16

    private let seed: UInt64
    private let walks: [Shard]

    private final class Shard: Sendable { let walks = Mutex<[String: Walk]>([:]) }

    init(seed: UInt64) {
        self.seed = seed
        walks = (0..<Self.shards).map { _ in Shard() }
    }

    /// The symbol's next price, in units of 10^-8.
    func price(of symbol: String, _ series: Series, serial: UInt64) -> UInt64 {
        let hash = UInt64(fnv1a: symbol)
        let level = walks[Int(hash % UInt64(Self.shards))].walks.withLock { walks in
            walks[symbol, default: Walk(level: Self.base(of: hash, seed), steps: SplitMix64(seed: seed, hash))].step()
        }
        let spread =
            switch series {
            case .buy: 1.005
            case .sell: 0.995
            case .spot, .ticker, .candles: 1.0
            }
        let rounds = serial / Self.unit
        let integer = UInt64(level * spread) & ~15 | (rounds & 15)
        return integer * Self.unit + serial % Self.unit
    }

    static let unit: UInt64 = 100_000_000

    /// Where a symbol's walk starts: 1,000 to 91,000.
    static func base(of hash: UInt64, _ seed: UInt64) -> Double {
        var lots = SplitMix64(seed: seed, hash)
        return 1000 + lots.unit() * 90_000
    }
}

/// Steps of up to 0.05 % in either direction, between two ends.
private struct Walk {
    private static let levels = 500.0...200_000.0

    private var level: Double
    private var steps: SplitMix64

    init(level: Double, steps: SplitMix64) {
        self.level = level
        self.steps = steps
    }

    mutating func step() -> Double {
        let moved = level * (1 + (steps.unit() - 0.5) * 0.001)
        level = min(max(moved, Self.levels.lowerBound), Self.levels.upperBound)
        return level
    }
}
