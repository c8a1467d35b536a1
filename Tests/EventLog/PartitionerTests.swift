import Testing

@testable import EventLog

struct PartitionerTests {
    /// What Kafka's own murmur2 gives, from the tests of its clients.
    @Test(arguments: [
        ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ])
    func `a key's hash is Kafka's`(_ key: String, _ hash: Int32) {
        #expect(Int32(bitPattern: Partitioner.murmur2(Array(key.utf8))) == hash)
    }

    @Test
    func `every key has a partition, the empty one too`() {
        for partitions in 1..<10 {
            for key in [[], [0], [255, 255, 255]] as [[UInt8]] {
                #expect((0..<partitions).contains(Partitioner.partition(of: key, among: partitions)))
            }
        }
    }

    @Test
    func `messages without a key go round`() async throws {
        let scratch = try Scratch()
        let log = try await scratch.open(partitions: 3)
        var positions = try await log.append([message(0), message(1)])
        positions += try await log.append([message(2), message(3)])
        #expect(positions.map(\.partition.partition) == [0, 1, 2, 0])
        await log.close()
    }
}
