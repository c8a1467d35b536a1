import Configuration
import EventLog
import Feeds
import MarketData
import Poller
import Runtime
import Terminal

enum BackfillCommand {
    static let command: Command = Command(
        "backfill", "Fetch a range of past bars",
        discussion: """
            Cuts the range into pages, one task each, and works them off. Started again, after a stop or a kill, it goes on
            where it was; what was fetched once is not fetched again. The rows are in raw once a flusher and an archiver
            have run.
            """,
        options: CommonOptions.settings + [
            Option("feed", .choice(KnownFeeds.taskNames), "The feed", standard: KnownFeeds.taskNames.first),
            Option("symbol", .values(placeholder: "SYMBOL"), "Such as BTC-USD; repeatable"),
            Option(
                "interval", .value(placeholder: "DURATION"), "The bars' length: 1m, 5m, 15m, 1h, 6h or 1d",
                standard: "1m"),
            Option("from", .value(placeholder: "TIME"), "A day (YYYY-MM-DD) or an RFC 3339 time"),
            Option("to", .value(placeholder: "TIME"), "Until then, and without it", standard: "now"),
            Option("elsewhere", .flag, "Leave the fetching to a poller that runs elsewhere, and wait for it"),
            CommonOptions.json,
        ],
        examples: [
            Example(
                "pregao backfill --symbol BTC-USD --interval 1h --from 2026-01-01 --to 2026-02-01",
                "a month of hourly bars")
        ], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let configuration = try arguments.configuration()
        let workplace = Workplace(configuration, component: "backfill")
        let request = try request(arguments, workplace.clock)
        let log = try await workplace.openLog()
        try await workplace.declareTopics(in: log)
        let shutdown = Shutdown()
        let signals = Signals(requesting: shutdown, drain: configuration.drain)
        var settings = configuration.poller
        settings.instance += "-backfill"
        let backfill = Backfill(
            request, settings: settings, worksHere: !arguments.has("elsewhere"), log: log, clock: workplace.clock,
            logger: workplace.logger, metrics: workplace.metrics)
        let report = ProgressReport("tasks")
        async let watching: Void = {
            for await progress in backfill.progress {
                report.update(
                    done: progress.succeeded + progress.failed, of: progress.tasks, note: "done, \(progress.rows) bars")
            }
        }()
        let result = try await backfill.run(until: shutdown)
        await watching
        report.finish()
        await log.close()
        withExtendedLifetime(signals) {}
        return show(result, arguments)
    }

    private static func show(_ result: BackfillProgress, _ arguments: Arguments) -> ExitCode {
        var table = Table(["tasks", "succeeded", "failed", "bars"])
        table.append([
            .number(Int64(result.tasks)), .number(Int64(result.succeeded)), .number(Int64(result.failed)),
            .number(result.rows),
        ])
        arguments.print(table)
        for failure in result.failures { Output.complain(failure) }
        if !result.isDone { Output.complain("stopped before the end; run the same command again to go on") }
        return result.isDone && result.failed == 0 ? .success : .failure
    }

    private static func request(_ arguments: Arguments, _ clock: any WallClock) throws(CommandError) -> BackfillRequest
    {
        guard let from = arguments.value("from") else { throw arguments.usage("--from is missing") }
        let interval = arguments.value("interval") ?? "1m"
        guard let length = ConfigurationReader.duration(interval)?.components.seconds, length > 0 else {
            throw arguments.usage("--interval takes 1m, 5m, 15m, 1h, 6h or 1d, not '\(interval)'")
        }
        let request = BackfillRequest(
            feed: arguments.value("feed") ?? KnownFeeds.taskNames[0], symbols: arguments.all("symbol"),
            interval: length, from: try time(from, "from", arguments),
            to: try arguments.value("to").map { text throws(CommandError) in try time(text, "to", arguments) }
                ?? clock.now())
        let faults = request.faults()
        guard faults.isEmpty else { throw arguments.usage(faults.joined(separator: "; ")) }
        return request
    }

    private static func time(_ text: String, _ option: String, _ arguments: Arguments) throws(CommandError) -> Instant {
        if let day = Day(text) { return day.startInUTC }
        guard let instant = Instant(rfc3339: text) else {
            throw arguments.usage("--\(option) takes YYYY-MM-DD or an RFC 3339 time, not '\(text)'")
        }
        return instant
    }
}
