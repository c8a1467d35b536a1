import EventLog
import Feeds
import JSON
import MarketData

/// What of a request is still to be asked, given what was asked before: a value made from the log's messages.
struct BackfillPlan: Sendable {
    private let feed: any TaskFeed
    private let request: BackfillRequest
    /// By symbol.
    private var covered: [String: Coverage] = [:]
    private var runs: Set<String> = []
    /// What was asked by anyone for the request's range and has not ended.
    private(set) var waiting = BackfillWait()

    init(_ request: BackfillRequest, feed: any TaskFeed) {
        self.request = request
        self.feed = feed
    }

    /// A message that waits in the tasks' topic, in the topic's order.
    mutating func sawWaiting(_ message: TaskMessage) {
        switch message.work {
        case .fetch(let task, _):
            guard isWanted(task) else { return }
            waiting.tasks.insert(task.key)
            waiting.runs.insert(message.run)
            covered[task.symbol, default: Coverage()].insert(task.from..<task.to)
        case .complete:
            if message.run.hasPrefix(request.runID) { waiting.runs.insert(message.run) }
        }
    }

    /// An event of the dataset `runs`, as it came; events of tasks that still wait are theirs to tell again.
    mutating func saw(_ event: JSONValue) {
        guard event["feed"]?.string == request.feed, let kind = event["event"]?.string else { return }
        if kind == "requested", let run = event["run_id"]?.string { runs.insert(run) }
        guard kind == "task-succeeded", let detail = event["detail"]?.string,
            let task = (try? JSONDocument(parsing: detail)).flatMap({ FeedTask($0.root) }), isWanted(task)
        else { return }
        covered[task.symbol, default: Coverage()].insert(task.from..<task.to)
    }

    /// The tasks to ask for, in order; what is covered is not asked again, even where the pages were cut differently.
    func tasks(now: Instant) -> [FeedTask] {
        let bar = request.interval * 1_000_000
        let closed = Instant(microseconds: now.microseconds - now.microseconds % bar)
        let end = min(request.to, closed)
        guard request.from < end else { return [] }
        return Set(request.symbols).sorted().flatMap { symbol in
            (covered[symbol] ?? Coverage()).missing(in: request.from..<end).flatMap { stretch in
                feed.tasks(
                    symbol: symbol, interval: request.interval, from: stretch.lowerBound, to: stretch.upperBound)
            }
        }
    }

    /// The request's own id, or, where that was used, the first free one after it.
    var runID: String {
        var number = 1
        var id = request.runID
        while runs.contains(id) {
            number += 1
            id = "\(request.runID)-\(number)"
        }
        return id
    }

    private func isWanted(_ task: FeedTask) -> Bool {
        task.interval == request.interval && request.symbols.contains(task.symbol) && task.from < request.to
            && task.to > request.from
    }
}

/// What a backfill waits for.
struct BackfillWait: Hashable, Sendable {
    /// Keys of tasks that have not ended.
    var tasks: Set<String> = []
    /// Runs that are not complete.
    var runs: Set<String> = []

    var isOver: Bool { tasks.isEmpty && runs.isEmpty }
}
