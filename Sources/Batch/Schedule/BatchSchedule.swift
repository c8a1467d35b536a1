import MarketData

/// What the batch should compute now, given what is dirty, the time of day, and what it did before: a value.
///
/// - A closed day is computed when it is dirty, at `refresh` intervals at most, and once more at its close where it
///   was refreshed by windows.
/// - An open day is computed at `refresh` intervals at most, by windows where the model has them; without `refresh`
///   only a model that is due on arrival computes it, whenever it is dirty.
/// - A day whose checks failed waits until more of it has changed.
/// - A run that could not be done is tried again after a pause that doubles.
public struct BatchSchedule: Sendable {
    /// A trading day of a model.
    public struct Key: Hashable, Comparable, Sendable, CustomStringConvertible {
        public let model: TableName
        public let day: Day

        public init(model: TableName, day: Day) {
            self.model = model
            self.day = day
        }

        public static func < (left: Key, right: Key) -> Bool {
            (left.day, left.model) < (right.day, right.model)
        }

        public var description: String { "\(model)@\(day)" }
    }

    /// What changed in a day and is not yet published.
    public struct Change: Hashable, Sendable {
        /// The catalog's sequence of the newest change.
        public let sequence: Int64
        /// From the first to the last moment changed.
        public let moments: ClosedRange<Instant>

        public init(sequence: Int64, moments: ClosedRange<Instant>) {
            self.sequence = sequence
            self.moments = moments
        }
    }

    /// A day to compute.
    public struct Work: Hashable, Sendable {
        public enum Extent: Hashable, Sendable {
            case wholeDay
            /// The windows from the first to the last that changed.
            case windows(Range<Instant>)
        }

        public let key: Key
        public let extent: Extent
        /// The newest change known when the work was given out.
        public let sequence: Int64
    }

    public enum Outcome: String, Sendable {
        case published
        /// Another process published the day meanwhile.
        case discarded
        case checksFailed = "checks-failed"
        case notDone = "not-done"
    }

    private struct Memory {
        /// When the last run ended.
        var ended: Duration?
        var failedChecksAt: Int64?
        var failures = 0
        var notBefore: Duration?
    }

    private let models: [Model]
    private let refresh: Duration?
    private let shortestPause: Duration
    private let longestPause: Duration
    private var changes: [Key: Change] = [:]
    private var memories: [Key: Memory] = [:]
    private var awaitingClose: Set<Key> = []

    /// - Parameter models: each after those that it reads.
    public init(models: [Model], refresh: Duration? = nil, shortestPause: Duration, longestPause: Duration) {
        self.models = models
        self.refresh = refresh
        self.shortestPause = shortestPause
        self.longestPause = longestPause
    }

    /// How many days are dirty.
    public var dirtyCount: Int { changes.count }

    /// Takes what is dirty now in place of what was.
    public mutating func observe(_ changes: [Key: Change], uptime: Duration) {
        self.changes = changes
        // A clean day may be forgotten once nothing keeps it from its next run.
        memories = memories.filter { key, memory in
            if changes[key] != nil || awaitingClose.contains(key) { return true }
            guard let ended = memory.ended, let interval = interval(of: key.model) else { return false }
            return uptime < ended + interval
        }
    }

    /// The settings' interval is for the models that have one.
    private func interval(of table: TableName) -> Duration? {
        models.first { $0.table == table }?.refresh.map { refresh ?? $0 }
    }

    /// Takes note of a day that was published by windows before its close.
    public mutating func awaitClose(of key: Key) { awaitingClose.insert(key) }

    /// The model's days that are to be computed now, the newest first.
    ///
    /// - Parameter uptime: of a clock that never jumps.
    public func work(of model: Model, now: Instant, uptime: Duration) -> [Work] {
        let dirty = changes.filter { $0.key.model == model.table }
        let closing = awaitingClose.filter { $0.model == model.table && now >= model.close(of: $0.day) }
        let keys = Set(dirty.keys).union(closing)
        return keys.sorted(by: >).compactMap { key in
            work(for: key, of: model, change: dirty[key], isOpen: now < model.close(of: key.day), uptime: uptime)
        }
    }

    private func work(for key: Key, of model: Model, change: Change?, isOpen: Bool, uptime: Duration) -> Work? {
        let memory = memories[key] ?? Memory()
        if let notBefore = memory.notBefore, uptime < notBefore { return nil }
        if let failed = memory.failedChecksAt, failed >= change?.sequence ?? .min { return nil }
        let isClosing = !isOpen && awaitingClose.contains(key)
        if let interval = interval(of: key.model) {
            if let ended = memory.ended, uptime < ended + interval, !isClosing { return nil }
        } else if isOpen, model.due != .onArrival {
            return nil
        }
        return Work(key: key, extent: extent(of: change, model, isOpen: isOpen), sequence: change?.sequence ?? .min)
    }

    private func extent(of change: Change?, _ model: Model, isOpen: Bool) -> Work.Extent {
        guard isOpen, let window = model.window, let moments = change?.moments else { return .wholeDay }
        return .windows(window.covering(moments.lowerBound, moments.upperBound))
    }

    /// Takes note of how a run ended.
    ///
    /// - Parameter byWindows: whether it computed only windows.
    public mutating func ended(_ work: Work, as outcome: Outcome, byWindows: Bool, uptime: Duration) {
        var memory = memories[work.key] ?? Memory()
        memory.ended = uptime
        memory.notBefore = nil
        switch outcome {
        case .published:
            memory.failures = 0
            memory.failedChecksAt = nil
            if byWindows { awaitingClose.insert(work.key) } else { awaitingClose.remove(work.key) }
        case .discarded:
            memory.ended = nil
            memory.failures = 0
        case .checksFailed:
            memory.failedChecksAt = work.sequence
            awaitingClose.remove(work.key)
        case .notDone:
            memory.ended = nil
            memory.failures += 1
            memory.notBefore = uptime + pause(after: memory.failures)
        }
        memories[work.key] = memory
    }

    private func pause(after failures: Int) -> Duration {
        min(shortestPause * (1 << min(failures - 1, 20)), longestPause)
    }
}
