import MarketData
import Warehouse

/// Which of the days that are due is compacted next: a value.
///
/// - The oldest comes first.
/// - One that failed waits, twice as long each time, and the others go on.
/// - One of which nothing could be made, since its objects are each too large, waits until it holds other ones.
struct CompactionSchedule: Sendable {
    private struct Key: Hashable, Sendable {
        let dataset: String
        let day: Day

        init(_ day: CompactableDay) {
            dataset = day.dataset
            self.day = day.day
        }
    }

    private struct Memory: Sendable {
        var failures = 0
        var notBefore: Duration?
        /// How many objects there were when nothing could be made of them.
        var fruitless: Int64?
    }

    private let shortestPause: Duration
    private let longestPause: Duration
    private var memories: [Key: Memory] = [:]

    init(shortestPause: Duration, longestPause: Duration) {
        self.shortestPause = shortestPause
        self.longestPause = longestPause
    }

    /// - Parameters:
    ///   - due: the oldest first.
    ///   - uptime: of a clock that never jumps.
    mutating func next(of due: [CompactableDay], uptime: Duration) -> CompactableDay? {
        let keys = Set(due.map { Key($0) })
        memories = memories.filter { keys.contains($0.key) }
        return due.first { day in
            guard let memory = memories[Key(day)] else { return true }
            if let notBefore = memory.notBefore { return uptime >= notBefore }
            return memory.fruitless != day.objects
        }
    }

    /// Takes note of what came of a day.
    mutating func ended(_ day: CompactableDay, as report: CompactionReport, uptime: Duration) {
        guard report.failures.isEmpty else {
            let failures = (memories[Key(day)]?.failures ?? 0) + 1
            let pause = min(shortestPause * (1 << min(failures - 1, 20)), longestPause)
            memories[Key(day)] = Memory(failures: failures, notBefore: uptime + pause)
            return
        }
        memories[Key(day)] = report.files == 0 ? Memory(fruitless: day.objects) : nil
    }
}
