/// Kafka's default mapping from keys to partitions, so that a key keeps its partition when a log moves to Kafka.
enum Partitioner {
    static func partition(of key: [UInt8], among partitions: Int) -> Int {
        Int(murmur2(key) & 0x7fff_ffff) % partitions
    }

    /// MurmurHash2, 32 bits, with the seed that Kafka gives it.
    static func murmur2(_ bytes: [UInt8]) -> UInt32 {
        let multiplier: UInt32 = 0x5bd1_e995
        var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
        bytes.withUnsafeBytes { bytes in
            let whole = bytes.count & ~3
            for index in stride(from: 0, to: whole, by: 4) {
                var word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
                word &*= multiplier
                word ^= word >> 24
                word &*= multiplier
                hash = (hash &* multiplier) ^ word
            }
            guard whole < bytes.count else { return }
            for index in (whole..<bytes.count).reversed() {
                hash ^= UInt32(bytes[index]) << UInt32(8 * (index - whole))
            }
            hash &*= multiplier
        }
        hash ^= hash >> 13
        hash &*= multiplier
        return hash ^ (hash >> 15)
    }
}
