import Lake
import Runtime

public struct BatchSettings: Sendable {
    /// How often the catalog is asked what is dirty.
    public var pollInterval: Duration
    /// How often an open day is computed, at most, in place of what the models say.
    public var refresh: Duration?
    /// How often the catalog is asked what is to be compacted.
    public var compactionInterval: Duration = .seconds(300)
    /// The pause after a day could not be compacted, doubled up to the longest.
    public var shortestCompactionPause: Duration = .seconds(300)
    public var longestCompactionPause: Duration = .seconds(6 * 3600)
    /// How often the catalog is asked which raw objects expire.
    public var retentionInterval: Duration = .seconds(3600)
    /// The pause after a run that could not be done (the engine, the catalog or the disk), doubled up to `longestPause`.
    public var shortestPause: Duration
    public var longestPause: Duration
    /// The folder under which `refined/` lies, or at least what is being computed.
    public var folder: String
    /// Where finished files go, by their keys; nil for the folder itself.
    public var store: (any ObjectStore)?

    public init(
        folder: String, store: (any ObjectStore)? = nil, pollInterval: Duration = .seconds(2),
        refresh: Duration? = nil,
        shortestPause: Duration = .seconds(1), longestPause: Duration = .seconds(60)
    ) {
        self.folder = folder
        self.store = store
        self.pollInterval = pollInterval
        self.refresh = refresh
        self.shortestPause = shortestPause
        self.longestPause = longestPause
    }

    /// The pause after so many failures in a row.
    func pause(after failures: Int) -> Duration {
        min(shortestPause * (1 << min(max(failures, 1) - 1, 20)), longestPause)
    }
}
