import EventLog
import Feeds
import Foundation
import JSON
import MarketData
import Runtime

/// Asks for a range of bars, and waits until it is there. Asked again, or by several at once, it asks only for what no
/// one has asked for before, and waits for the rest: nothing is fetched twice.
public struct Backfill: Sendable {
    /// How far it is: always the newest; ends with ``run(until:)``.
    public let progress: AsyncStream<BackfillProgress>

    private let request: BackfillRequest
    private let settings: PollerSettings
    private let worksHere: Bool
    private let log: any EventLog
    private let clock: any WallClock
    private let logger: Logger
    private let metrics: Metrics
    private let report: AsyncStream<BackfillProgress>.Continuation

    /// - Parameters:
    ///   - request: without faults (``BackfillRequest/faults()``).
    ///   - settings: addresses, limits and instance as the poller's.
    ///   - worksHere: also work the tasks off in this process; else a poller that runs has to.
    public init(
        _ request: BackfillRequest, settings: PollerSettings, worksHere: Bool = true, log: any EventLog,
        clock: any WallClock = SystemWallClock(), logger: Logger, metrics: Metrics
    ) {
        self.request = request
        self.settings = settings
        self.worksHere = worksHere
        self.log = log
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
        (progress, report) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Returns when every task has ended, or the shutdown is requested; ``BackfillProgress/isDone`` tells which.
    ///
    /// - Throws: ``LogError``; ``PollerError`` where the feed is unknown or libcurl cannot start.
    public func run(until shutdown: Shutdown) async throws -> BackfillProgress {
        defer { report.finish() }
        guard let feed = KnownFeeds.task(request.feed) else {
            throw PollerError(description: "there is no feed \(request.feed) to backfill from")
        }
        let (waiting, eventsFrom) = try await plan(feed, until: shutdown)
        let workShutdown = Shutdown()
        return try await withThrowingTaskGroup(of: BackfillProgress?.self) { group in
            group.addTask {
                defer { workShutdown.request() }
                return try await follow(waiting, from: eventsFrom, until: shutdown)
            }
            if worksHere, !waiting.isOver {
                group.addTask {
                    try await TaskService(
                        settings: workSettings, log: log, clock: clock, logger: logger, metrics: metrics
                    ).run(until: workShutdown)
                    return nil
                }
            }
            var last = BackfillProgress()
            for try await progress in group { if let progress { last = progress } }
            return last
        }
    }

    /// The instance is this process's own: it is gone when the command is, and what it did not commit is done by others.
    private var workSettings: PollerSettings {
        var settings = settings
        settings.feeds = []
        settings.taskFeeds = [request.feed]
        settings.instance += "-backfill-\(getpid())"
        return settings
    }

    // MARK: - Planning

    /// Appends what is to be asked, once: the planners of a feed take turns as members of one group, and a plan is
    /// committed with the group's position, so that a plan made from an old state cannot be.
    ///
    /// - Returns: what to wait for, and from where in the runs' topic its ends are told.
    private func plan(_ feed: any TaskFeed, until shutdown: Shutdown) async throws -> (
        BackfillWait, [TopicPartition: Offset]
    ) {
        let topic = TaskMessage.topic(of: feed.name)
        try await DatasetTopics.declareMissing(in: log)
        try await log.declare(topic, readBy: [TaskMessage.group])
        let consumer = try await log.join(
            group: "pregao.planner", instance: "\(settings.instance)-backfill-\(getpid())", topics: [topic.name])
        do {
            let plan = try await plan(feed, as: consumer, TopicPartition(topic: topic.name, partition: 0), shutdown)
            await consumer.leave()
            return plan
        } catch {
            await consumer.leave()
            throw error
        }
    }

    private func plan(
        _ feed: any TaskFeed, as consumer: any GroupConsumer, _ tasks: TopicPartition, _ shutdown: Shutdown
    ) async throws -> (BackfillWait, [TopicPartition: Offset]) {
        while !shutdown.isRequested, !Task.isCancelled {
            guard let event = try await consumer.next(waitingAtMost: .milliseconds(200)) else { continue }
            switch event {
            case .assigned(let positions):
                guard let position = positions[tasks] else { continue }
                do throws(LogError) {
                    return try await commitPlan(feed, as: consumer, tasks, position)
                } catch  where error.kind == .fenced {
                    logger.info("another planner has its turn")
                }
            case .revoking(let partitions): try await consumer.release(partitions)
            case .records, .lost, .trimmed: break
            }
        }
        return (BackfillWait(), [:])
    }

    /// What waits is read before what has ended, so that a task that ends in between is seen twice rather than never.
    private func commitPlan(
        _ feed: any TaskFeed, as consumer: any GroupConsumer, _ tasks: TopicPartition, _ position: Offset
    ) async throws(LogError) -> (BackfillWait, [TopicPartition: Offset]) {
        let runs = Datasets.runs.topic
        let eventsFrom = try await log.watermarks(of: runs).mapValues(\.end)
        var plan = BackfillPlan(request, feed: feed)
        let worked = try await log.committed(group: TaskMessage.group, topics: [tasks.topic])[tasks]
        guard let marks = try await log.watermarks(of: tasks.topic)[tasks] else { return (BackfillWait(), eventsFrom) }
        try await log.forEach(in: tasks, from: max(worked ?? marks.start, marks.start), to: marks.end) {
            batch, record in
            if let message = batch.value(of: record).flatMap({ TaskMessage(parsing: $0) }) { plan.sawWaiting(message) }
        }
        for (partition, marks) in try await log.watermarks(of: runs) {
            try await log.forEach(in: partition, from: marks.start, to: marks.end) { batch, record in
                guard let value = batch.value(of: record), let event = try? JSONDocument(parsing: value) else { return }
                plan.saw(event.root)
            }
        }
        let new = plan.tasks(now: clock.now())
        let advance = CommitBatch.Advance(partition: tasks, start: position, end: max(position, marks.end))
        _ = try await consumer.commit(CommitBatch(advances: [advance], appends: messages(new, of: plan.runID)))
        logger.info("planned", ["run": plan.runID, "tasks": new.count, "waiting": plan.waiting.tasks.count])
        var waiting = plan.waiting
        waiting.tasks.formUnion(new.map(\.key))
        if !new.isEmpty { waiting.runs.insert(plan.runID) }
        return (waiting, eventsFrom)
    }

    private func messages(_ tasks: [FeedTask], of run: String) throws(LogError) -> [OutgoingMessage] {
        guard !tasks.isEmpty else { return [] }
        let total = Int64(tasks.count)
        func message(_ work: TaskMessage.Work) -> OutgoingMessage {
            TaskMessage(run: run, feed: request.feed, tasksTotal: total, requestedBy: "backfill", work: work).message
        }
        let requested = RunEvent(
            run: run, feed: request.feed, requestedBy: "backfill", tasksTotal: total,
            kind: .requested(detail: request.detail))
        do throws(ObservationFault) {
            return [try requested.message(at: clock.now())]
                + tasks.enumerated().map { message(.fetch($1, number: Int64($0))) } + [message(.complete)]
        } catch {
            throw LogError(.other, doing: "plan the run \(run)", cause: "\(error)")
        }
    }

    // MARK: - Waiting

    /// Reads the runs' events until every task has ended and every run is complete.
    private func follow(_ asked: BackfillWait, from: [TopicPartition: Offset], until shutdown: Shutdown)
        async throws(LogError) -> BackfillProgress
    {
        var waiting = asked
        var next = from
        var progress = BackfillProgress()
        progress.tasks = waiting.tasks.count
        report.yield(progress)
        while !waiting.isOver, !shutdown.isRequested, !Task.isCancelled {
            var isNews = false
            for (partition, marks) in try await log.watermarks(of: Datasets.runs.topic) {
                let start = next[partition] ?? marks.start
                try await log.forEach(in: partition, from: start, to: marks.end) { batch, record in
                    guard let value = batch.value(of: record), let event = try? JSONDocument(parsing: value) else {
                        return
                    }
                    isNews = progress.take(event.root, of: request.feed, &waiting) || isNews
                }
                next[partition] = max(start, marks.end)
            }
            if isNews { report.yield(progress) }
            if !waiting.isOver { await shutdown.sleep(for: .milliseconds(200)) }
        }
        return progress
    }
}

extension BackfillProgress {
    /// - Returns: whether the event is the end of a task that was waited for.
    mutating func take(_ event: JSONValue, of feed: String, _ waiting: inout BackfillWait) -> Bool {
        guard event["feed"]?.string == feed else { return false }
        let key = event["task_key"]?.string ?? ""
        switch event["event"]?.string {
        case "completed":
            if let run = event["run_id"]?.string { waiting.runs.remove(run) }
            return false
        case "task-succeeded" where waiting.tasks.contains(key):
            succeeded += 1
            rows += event["rows"]?.int64 ?? 0
        case "task-failed" where waiting.tasks.contains(key):
            failed += 1
            if failures.count < 5 { failures.append("\(key): \(event["detail"]?.string ?? "")") }
        default: return false
        }
        waiting.tasks.remove(key)
        return true
    }
}
