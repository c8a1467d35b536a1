import EventLog
import Feeds
import Foundation
import MarketData
import Runtime

/// The first stage: asks the sources for prices on their schedule and appends what they answer to the log, a quote or
/// a gap for every slot; and works off the tasks of runs.
public struct Poller: Sendable {
    /// Reads the tasks.
    public static let group = "pregao.poller"

    private let settings: PollerSettings
    private let log: any EventLog
    private let clock: any WallClock
    private let logger: Logger
    private let metrics: Metrics
    private let readiness: Readiness

    /// - Parameter settings: without faults (``PollerSettings/faults()``).
    public init(
        settings: PollerSettings, log: any EventLog, clock: any WallClock = SystemWallClock(), logger: Logger,
        metrics: Metrics, readiness: Readiness = Readiness()
    ) {
        self.settings = settings
        self.log = log
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
        self.readiness = readiness
    }

    /// Polls until the shutdown is requested; then starts nothing more, lets requests under way end within
    /// ``PollerSettings/drain``, appends everything, records up to when the slots are accounted for, and returns.
    ///
    /// Slots between the end of the poller before and this one's first slots become gaps of the reason `downtime`.
    ///
    /// - Throws: ``LogError`` where the log cannot be read at the start; ``PollerError`` where libcurl cannot start.
    public func run(until shutdown: Shutdown) async throws {
        try await DatasetTopics.declareMissing(in: log)
        try await log.declare(SlotsMessage.topic)
        let plan = PollPlan(settings)
        let outbox = Outbox(
            OutboxState(
                maximumQuotes: settings.maximumBufferedQuotes, maximumBytes: settings.maximumBufferedBytes,
                longestOpenGap: settings.longestOpenGap.microseconds))
        var book = try await SlotBook.read(feeds: plan.feeds, from: log)
        let reading = ClockReading.now(clock)
        let schedule = PollSchedule(plan.rhythms(book), at: reading)
        recordDowntime(plan, schedule, &book, outbox, at: reading.monotonic)

        var appender = Appender(
            plan: plan, settings: settings, book: book, outbox: outbox, log: log, clock: clock, logger: logger,
            metrics: metrics, readiness: readiness)
        // Before the first question, so that the next poller knows of every series that was asked for.
        await appender.writeSlots()
        let inbox = EngineInbox()
        let engine = EngineStart(
            plan: plan, settings: settings, schedule: schedule, clock: clock, inbox: inbox, outbox: outbox,
            figures: PollFigures(plan: plan, metrics: metrics, logger: logger))
        let workers = TaskWorker.all(
            plan, settings: settings, inbox: inbox, log: log, clock: clock, logger: logger, metrics: metrics,
            shutdown: shutdown)
        logger.info("polling", ["series": plan.entries.count, "sources": plan.sources.count])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.runOnItsOwnThread() }
            for worker in workers { group.addTask { await worker.run() } }
            group.addTask { [appender] in
                var appender = appender
                await appender.run()
            }
            group.addTask {
                await shutdown.requested()
                inbox.stop()
            }
            defer { inbox.stop() }
            try await group.waitForAll()
        }
        logger.info("stopped")
    }

    /// What is not accounted for before a series' first slot was missed while no poller ran. A new series starts now.
    private func recordDowntime(
        _ plan: PollPlan, _ schedule: PollSchedule, _ book: inout SlotBook, _ outbox: Outbox, at time: Int64
    ) {
        for (index, entry) in plan.entries.enumerated() {
            let first = schedule.nextSlot(of: index)
            guard let ledger = book[entry.feed.name, entry.series] else {
                book[entry.feed.name, entry.series] = SlotLedger(from: first)
                continue
            }
            for hole in ledger.holes(until: first) {
                let missing = MissingSlots(
                    series: index, from: hole.lowerBound, to: hole.upperBound, reason: .downtime,
                    detail: "the poller was not running", tries: 0)
                outbox.put(missing, at: time - settings.longestOpenGap.microseconds)
            }
        }
    }
}

/// The poller could not start.
public struct PollerError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

extension PollPlan {
    func rhythms(_ book: SlotBook) -> [PollSchedule.Rhythm] {
        entries.map { entry in
            PollSchedule.Rhythm(
                interval: entry.interval, phase: entry.phase,
                accountedUntil: book[entry.feed.name, entry.series].map {
                    $0.ahead.last?.upperBound ?? $0.accountedUntil
                })
        }
    }
}

/// What an engine is made of, on the thread that it will live on.
struct EngineStart: Sendable {
    let plan: PollPlan
    let settings: PollerSettings
    let schedule: PollSchedule
    let clock: any WallClock
    let inbox: EngineInbox
    let outbox: Outbox
    let figures: PollFigures

    /// Returns when the inbox was told to stop and the engine has drained. libcurl blocks, so it has a thread of its
    /// own.
    func runOnItsOwnThread() async throws(PollerError) {
        let fault = await withCheckedContinuation { (ended: CheckedContinuation<TransferLoopError?, Never>) in
            let thread = Thread {
                do throws(TransferLoopError) {
                    let engine = try PollEngine(
                        plan: plan, settings: settings, schedule: schedule, clock: clock, inbox: inbox,
                        outbox: outbox, figures: figures)
                    engine.run()
                    ended.resume(returning: nil)
                } catch {
                    inbox.close()
                    outbox.finish()
                    ended.resume(returning: error)
                }
            }
            thread.name = "pregao-poller"
            thread.start()
        }
        if let fault { throw PollerError(description: "\(fault)") }
    }
}
