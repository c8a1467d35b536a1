import Flusher
import KafkaLog

/// What docs/flusher.md says that a flusher on Kafka may take.
enum MemoryBound {
    /// The program and its libraries, and what their allocators keep for later.
    private static let program = 64 << 20

    static func bytes(partitions: Int) -> Int {
        program + FlusherSettings(instance: "bound").memoryLimit
            + KafkaLogSettings(brokers: "").memoryBytes(partitions: partitions)
    }
}
