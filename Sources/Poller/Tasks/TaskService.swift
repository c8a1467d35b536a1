import EventLog
import Feeds
import MarketData
import Runtime

/// Works off tasks without polling anything: what a command does that waits for them.
struct TaskService: Sendable {
    let settings: PollerSettings
    let log: any EventLog
    let clock: any WallClock
    let logger: Logger
    let metrics: Metrics

    func run(until shutdown: Shutdown) async throws {
        let plan = PollPlan(settings)
        let outbox = Outbox(OutboxState(maximumQuotes: 1, maximumBytes: 1, longestOpenGap: 1))
        let inbox = EngineInbox()
        let engine = EngineStart(
            plan: plan, settings: settings, schedule: PollSchedule([], at: ClockReading.now(clock)), clock: clock,
            inbox: inbox, outbox: outbox, figures: PollFigures(plan: plan, metrics: metrics, logger: logger))
        let workers = TaskWorker.all(
            plan, settings: settings, inbox: inbox, log: log, clock: clock, logger: logger, metrics: metrics,
            shutdown: shutdown)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { inbox.stop() }
            group.addTask { try await engine.runOnItsOwnThread() }
            for worker in workers { group.addTask { await worker.run() } }
            group.addTask {
                await shutdown.requested()
                inbox.stop()
            }
            try await group.waitForAll()
        }
    }
}

extension TaskWorker {
    /// A worker for each feed of the settings.
    static func all(
        _ plan: PollPlan, settings: PollerSettings, inbox: EngineInbox, log: any EventLog, clock: any WallClock,
        logger: Logger, metrics: Metrics, shutdown: Shutdown
    ) -> [TaskWorker] {
        settings.taskFeeds.compactMap { name in
            guard let feed = KnownFeeds.task(name), let source = plan.sourceIndex(of: feed.source) else { return nil }
            let fetcher = TaskFetcher(
                feed: feed, source: source, baseURL: settings.baseURLs[name] ?? feed.baseURL,
                retries: settings.taskRetries, pause: settings.taskRetryPause, inbox: inbox, clock: clock,
                shutdown: shutdown)
            return TaskWorker(
                fetcher: fetcher, settings: settings, log: log, clock: clock, logger: logger, metrics: metrics,
                shutdown: shutdown)
        }
    }
}
