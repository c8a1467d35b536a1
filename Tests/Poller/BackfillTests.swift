import EventLog
import Exchange
import MarketData
import Runtime
import Testing

@testable import Poller

/// Backfills against the local exchange and a real log.
@Suite(.timeLimit(.minutes(1)), .serialized)
struct BackfillTests {
    private let folder: TemporaryLog
    private let exchange: Exchange
    private static let from = Instant(rfc3339: "2024-01-01T00:00:00Z") ?? Instant(microseconds: 0)

    init() throws {
        folder = try TemporaryLog()
        exchange = try Exchange()
        try exchange.start()
    }

    private func request(pages: Int64, from: Instant = Self.from) -> BackfillRequest {
        BackfillRequest(
            feed: "coinbase-candles", symbols: ["BTC-USD"], interval: 60, from: from,
            to: from.adding(microseconds: pages * 288 * 60_000_000))
    }

    private func backfill(_ request: BackfillRequest, _ log: any EventLog, instance: String = "one") -> Backfill {
        var settings = spotSettings(exchange.baseURL)
        settings.instance = instance
        settings.taskRetryPause = .milliseconds(1)
        settings.tasksPerCommit = 2
        return Backfill(
            request, settings: settings, log: log, logger: Logger(component: instance, minimum: .error),
            metrics: Metrics())
    }

    /// Every minute of the range is there once.
    private func expectBars(_ log: any EventLog, pages: Int64, from: Instant = Self.from) async throws {
        let starts = try await log.rows(of: Datasets.bars).compactMap { $0.instant("start_time") }.sorted()
        #expect(starts == (0..<pages * 288).map { from.adding(microseconds: $0 * 60_000_000) })
    }

    private func events(_ log: any EventLog) async throws -> [String] {
        try await log.rows(of: Datasets.runs).compactMap { $0.text("event") }
    }

    @Test("A range becomes its bars, each once, and its run tells how it went")
    func wholeRange() async throws {
        let log = try await folder.open()
        let done = try await backfill(request(pages: 3), log).run(until: Shutdown())
        #expect(done.isDone && done.succeeded == 3 && done.failed == 0 && done.rows == 3 * 288)
        try await expectBars(log, pages: 3)
        let runs = try await log.rows(of: Datasets.runs)
        #expect(
            runs.compactMap { $0.text("event") } == [
                "requested", "task-succeeded", "task-succeeded", "task-succeeded", "completed",
            ])
        #expect(runs.compactMap { $0.integer("tasks_left") } == [3, 2, 1, 0, 0])
        #expect(runs.last?.text("reaches") == #"{"pregao.bars/0":864}"#)
        #expect(Set(runs.compactMap { $0.text("run_id") }).count == 1)
        await log.close()
        try await exchange.stop()
    }

    @Test("Asked again, it asks for nothing")
    func again() async throws {
        let log = try await folder.open()
        _ = try await backfill(request(pages: 2), log).run(until: Shutdown())
        let before = exchange.answers
        let second = try await backfill(request(pages: 2), log).run(until: Shutdown())
        #expect(second.tasks == 0 && exchange.answers == before)
        try await expectBars(log, pages: 2)
        await log.close()
        try await exchange.stop()
    }

    @Test("A range that overlaps others, with pages cut differently, fetches only what is missing")
    func overlap() async throws {
        let log = try await folder.open()
        let hour: Int64 = 3_600_000_000
        let middle = Self.from.adding(microseconds: hour)
        _ = try await backfill(request(pages: 1, from: middle), log).run(until: Shutdown())
        _ = try await backfill(request(pages: 2), log).run(until: Shutdown())
        try await expectBars(log, pages: 2)
        await log.close()
        try await exchange.stop()
    }

    @Test(
        "A last page that the range cut short is gone on with where it stopped, however often, and no bar comes twice",
        arguments: [[1, 288], [287, 288], [100, 200, 400], [288, 289, 576], [300, 300, 301]] as [[Int64]])
    func cutShort(bars ends: [Int64]) async throws {
        let log = try await folder.open()
        for (number, end) in ends.enumerated() {
            var asked = request(pages: 1)
            asked.to = Self.from.adding(microseconds: end * 60_000_000)
            let before = number == 0 ? 0 : ends[number - 1]
            let progress = try await backfill(asked, log).run(until: Shutdown())
            #expect(progress.isDone && progress.rows == end - before)
        }
        let starts = try await log.rows(of: Datasets.bars).compactMap { $0.instant("start_time") }.sorted()
        #expect(starts == (0..<(ends.last ?? 0)).map { Self.from.adding(microseconds: $0 * 60_000_000) })
        await log.close()
        try await exchange.stop()
    }

    @Test("A page cut short that failed is asked again with what a later end adds, each bar once")
    func cutShortAndFailed() async throws {
        let log = try await folder.open()
        exchange.faults = FaultPlan(script: [.notFound])
        var asked = request(pages: 1)
        asked.to = Self.from.adding(microseconds: 100 * 60_000_000)
        #expect(try await backfill(asked, log).run(until: Shutdown()).failed == 1)
        #expect(try await backfill(request(pages: 1), log).run(until: Shutdown()).succeeded == 1)
        try await expectBars(log, pages: 1)
        await log.close()
        try await exchange.stop()
    }

    @Test("Two that start together ask once, and both wait for all of it")
    func together() async throws {
        let log = try await folder.open()
        let progress = try await withThrowingTaskGroup(of: BackfillProgress.self) { group in
            for instance in ["one", "two"] {
                group.addTask { try await backfill(request(pages: 3), log, instance: instance).run(until: Shutdown()) }
            }
            return try await group.reduce(into: [BackfillProgress]()) { $0.append($1) }
        }
        #expect(progress.allSatisfy { $0.isDone })
        try await expectBars(log, pages: 3)
        let requests = try await events(log).filter { $0 == "requested" }
        #expect(requests.count == 1)
        await log.close()
        try await exchange.stop()
    }

    @Test(
        "A log that fails at any commit, before or after it is done, changes nothing in the result",
        arguments: 1...4, FaultyLog.Moment.allCases)
    func faults(call: Int, moment: FaultyLog.Moment) async throws {
        let real = try await folder.open()
        let log = FaultyLog(real, [FaultyLog.Failure(step: .commit, call: call, moment: moment)])
        do {
            _ = try await backfill(request(pages: 4), log).run(until: Shutdown())
        } catch {
            // The planner's own commit failed, which the command says; it is started again.
            #expect(error is LogError && call == 1)
        }
        let again = try await backfill(request(pages: 4), log, instance: "again").run(until: Shutdown())
        #expect(again.isDone)
        try await expectBars(real, pages: 4)
        let completions = try await events(real).filter { $0 == "completed" }
        #expect(completions.count == 1)
        await real.close()
        try await exchange.stop()
    }

    @Test("Stopped after any commit and started again, it goes on where it was", arguments: 1...4)
    func stopped(commits: Int) async throws {
        let real = try await folder.open()
        let log = FaultyLog(real)
        let shutdown = Shutdown()
        let first = backfill(request(pages: 4), log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await first.run(until: shutdown) }
            group.addTask {
                for await progress in first.progress where progress.succeeded >= commits - 1 { shutdown.request() }
            }
            try await group.waitForAll()
        }
        let second = try await backfill(request(pages: 4), log, instance: "again").run(until: Shutdown())
        #expect(second.isDone)
        try await expectBars(real, pages: 4)
        await real.close()
        try await exchange.stop()
    }

    @Test(
        "A task that keeps failing is a failed task of its run, the others succeed, and asking again retries it alone")
    func failedTask() async throws {
        let log = try await folder.open()
        // With its retries, the first task takes four answers; tasks of one run start in their order.
        exchange.faults = FaultPlan(script: [.notFound])
        let first = try await backfill(request(pages: 3), log).run(until: Shutdown())
        #expect(first.isDone && first.succeeded == 2 && first.failed == 1 && first.failures.count == 1)
        let second = try await backfill(request(pages: 3), log).run(until: Shutdown())
        #expect(second.tasks == 1 && second.succeeded == 1)
        try await expectBars(log, pages: 3)
        let runs = Set(try await log.rows(of: Datasets.runs).compactMap { $0.text("run_id") })
        #expect(runs.count == 2)
        await log.close()
        try await exchange.stop()
    }

    @Test("A passing fault is retried within the task")
    func passingFault() async throws {
        let log = try await folder.open()
        exchange.faults = FaultPlan(script: [.serverError, .closed, .truncated])
        let done = try await backfill(request(pages: 1), log).run(until: Shutdown())
        #expect(done.succeeded == 1 && done.failed == 0)
        try await expectBars(log, pages: 1)
        await log.close()
        try await exchange.stop()
    }

    @Test("What is wrong with a request is said at once, all of it")
    func requestFaults() {
        let wrong = BackfillRequest(
            feed: "coinbase-candles", symbols: ["btc"], interval: 7, from: Self.from, to: Self.from)
        #expect(wrong.faults().count == 3)
        #expect(request(pages: 1).faults().isEmpty)
    }
}
