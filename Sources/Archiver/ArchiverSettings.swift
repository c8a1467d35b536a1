/// When the archiver takes a batch, and how patiently it tries again.
public struct ArchiverSettings: Hashable, Sendable {
    /// Stable across restarts, unique among the archivers of one log.
    public var instance: String
    /// A batch is taken at this many object-created messages…
    public var batchCount: Int
    /// …or when the oldest has waited this long.
    public var window: Duration
    /// Objects copied at the same time.
    public var concurrentCopies: Int
    /// The sum of the sizes of objects in memory at the same time, in bytes; a larger object goes alone.
    public var copyBytes: Int64
    /// The pause after a first refusal of a store or the catalog; it doubles up to `longestPause`.
    public var firstPause: Duration
    public var longestPause: Duration

    public init(
        instance: String = "archiver", batchCount: Int = 100, window: Duration = .milliseconds(100),
        concurrentCopies: Int = 4, copyBytes: Int64 = 64 << 20, firstPause: Duration = .milliseconds(250),
        longestPause: Duration = .seconds(30)
    ) {
        self.instance = instance
        self.batchCount = batchCount
        self.window = window
        self.concurrentCopies = concurrentCopies
        self.copyBytes = copyBytes
        self.firstPause = firstPause
        self.longestPause = longestPause
    }

    /// Every fault of these settings, in words.
    public var faults: [String] {
        var faults: [String] = []
        if instance.isEmpty { faults.append("instance is empty") }
        if !(1...10_000).contains(batchCount) { faults.append("batch-count must be from 1 to 10000") }
        if !(.zero ... .seconds(60)).contains(window) { faults.append("window must be from 0 s to 60 s") }
        if !(1...64).contains(concurrentCopies) { faults.append("concurrent-copies must be from 1 to 64") }
        if copyBytes < 1 { faults.append("copy-bytes must be above 0") }
        if firstPause <= .zero || longestPause < firstPause {
            faults.append("longest-pause must be at least first-pause, and both above 0")
        }
        return faults
    }
}
