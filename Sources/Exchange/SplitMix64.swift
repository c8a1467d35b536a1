/// Steele, Lea and Flood's SplitMix64: small, fast, equal everywhere.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Its own sequence for each pair of numbers.
    init(seed: UInt64, _ number: UInt64) {
        state = Self.mix(seed &+ 0x9e37_79b9_7f4a_7c15) ^ Self.mix(number &+ 0xbf58_476d_1ce4_e5b9)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mix(state)
    }

    /// From 0 up to, and without, 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension UInt64 {
    /// FNV-1a of a text: Swift's own hashes differ from run to run.
    init(fnv1a text: String) {
        self = text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
