import Archiver
import Batch
import Configuration
import Console
import EventLog
import Flusher
import Foundation
import MarketData
import Operations
import Poller
import Runtime
import Terminal
import Warehouse

/// `run` and its five stages, each of which may also be a process of its own.
enum StageCommands {
    private enum Stage: String, CaseIterable {
        case poller, flusher, archiver, batch, console

        /// The name that a process of the stage has to have for itself; nil where any number may work side by side.
        func instance(in configuration: Configuration) -> String? {
            switch self {
            case .poller: "poller \(configuration.poller.instance)"
            case .flusher: "flusher \(configuration.flusher.instance)"
            case .archiver: "archiver \(configuration.archiver.instance)"
            case .batch, .console: nil
            }
        }
    }

    private static let options =
        CommonOptions.settings + [
            Option("for", .value(placeholder: "DURATION"), "Stop by itself after this time, as 60s or 5m")
        ]

    static let run = Command(
        "run", "Run all stages in one process",
        discussion: """
            On SIGTERM or SIGINT the stages finish what they have taken, all of them within the setting 'drain' (60 s), and
            the program ends with 0. A second signal ends it at once; nothing accepted is lost, the next start goes on
            with it.
            """,
        options: options,
        examples: [
            Example("pregao run", "with ./pregao.yml"),
            Example("pregao run --for 60s --set flusher.interval=1s", "a minute with small batches"),
        ]
    ) { try await start(Stage.allCases, $0) }

    static let poll = command("poll", "Poll quotes into the topics", .poller)
    static let flush = command("flush", "Write topics to raw Parquet, and announce each object", .flusher)
    static let archive = command(
        "archive", "Copy announced objects to backup and register them in the catalog", .archiver)
    static let console = command("console", "Serve the page with charts, /healthz and /readyz", .console)

    static let batch = Command(
        "batch", "Compute the refined tables of days that are dirty and due",
        options: options + [
            Option("once", .flag, "Compute what is dirty now, due or not, and end"),
            Option("day", .values(placeholder: "DAY"), "With --once: only this trading day; repeatable"),
            Option("force", .flag, "With --once and --day: also days that are not dirty"), CommonOptions.json,
        ],
        examples: [Example("pregao batch --once", "bring the refined tables up to date")]
    ) { arguments in
        if arguments.has("once") { return try await Interruption.ending { try await BatchOnce.run(arguments) } }
        if arguments.has("force") || !arguments.all("day").isEmpty {
            throw arguments.usage("--day and --force go with --once")
        }
        return try await start([.batch], arguments)
    }

    private static func command(_ name: String, _ summary: String, _ stage: Stage) -> Command {
        Command(name, summary, options: options) { try await start([stage], $0) }
    }

    private static func start(_ stages: [Stage], _ arguments: Arguments) async throws -> ExitCode {
        let configuration = try arguments.configuration()
        let limit = try duration(arguments)
        let workplace = Workplace(configuration, component: stages.count == 1 ? stages[0].rawValue : "run")
        if stages.contains(.poller), configuration.poller.feeds.allSatisfy(\.symbols.isEmpty) {
            Output.complain(
                "pregao: no feed has symbols, so that nothing is polled; 'pregao config example > pregao.yml' writes settings to begin with"
            )
        }
        let locks = try InstanceLocks(
            stages.compactMap { $0.instance(in: configuration) }, in: configuration.statusFolder)
        let shutdown = Shutdown()
        let signals = Signals(requesting: shutdown, drain: configuration.drain, logger: workplace.logger)
        workplace.readiness.hold("process", "the process is starting")
        let operations = try workplace.serveOperations()
        let awaited = try await workplace.stores.check(
            for: Set(stages.map(\.rawValue)), readiness: workplace.readiness, logger: workplace.logger)
        let log = try await workplace.openLog()
        try await workplace.declareTopics(in: log)
        try await run(stages, at: workplace, log, awaited, until: shutdown, for: limit)
        await log.close()
        await operations?.stop()
        withExtendedLifetime(signals) {}
        withExtendedLifetime(locks) {}
        return .success
    }

    /// - Parameter awaited: the stores that have not answered yet.
    private static func run(
        _ stages: [Stage], at workplace: Workplace, _ log: any EventLog, _ awaited: [StoreWatch],
        until shutdown: Shutdown, for limit: Duration?
    ) async throws {
        var catalog: Catalog?
        if stages.contains(where: { [.archiver, .batch, .console].contains($0) }) {
            catalog = try await workplace.openCatalog(until: shutdown)
            if catalog == nil { return }
        }
        var parts: [StageRunner.Stage] = []
        for stage in stages { parts.append(try workplace.part(stage.rawValue, log, catalog)) }
        let name = "\(stages.count == 1 ? stages[0].rawValue : "run")-\(getpid())"
        let companions = Companions(
            workplace: workplace, name: name, stages: stages.map(\.rawValue), log: log, awaited: awaited,
            appliesRetention: stages.contains(.flusher))
        let runner = StageRunner(stages: parts, drain: workplace.configuration.drain, logger: workplace.logger)
        workplace.readiness.clear("process")
        try await companions.run(beside: runner, until: shutdown, for: limit)
    }

    private static func duration(_ arguments: Arguments) throws(CommandError) -> Duration? {
        guard let text = arguments.value("for") else { return nil }
        guard let duration = ConfigurationReader.duration(text), duration > .zero else {
            throw arguments.usage("--for takes a duration such as 60s or 5m, not '\(text)'")
        }
        return duration
    }
}

extension Workplace {
    /// A stage, built from the settings.
    ///
    /// - Precondition: the catalog is given for the stages that use it.
    fileprivate func part(_ stage: String, _ log: any EventLog, _ catalog: Catalog?) throws -> StageRunner.Stage {
        let logger = logger.named(stage)
        switch (stage, catalog) {
        case ("poller", _):
            let poller = Poller(
                settings: configuration.poller, log: log, clock: clock, logger: logger, metrics: metrics,
                readiness: readiness)
            return StageRunner.Stage(stage) { try await poller.run(until: $0) }
        case ("flusher", _):
            let flusher = Flusher(
                settings: configuration.flusher, datasets: Datasets.all, log: log, store: stores.raw, clock: clock,
                logger: logger, metrics: metrics, readiness: readiness)
            return StageRunner.Stage(stage) { try await flusher.run(until: $0) }
        case ("archiver", let catalog?):
            let archiver = Archiver(
                settings: configuration.archiver, log: log, raw: stores.raw, backup: stores.backup, catalog: catalog,
                clock: clock, logger: logger, metrics: metrics, readiness: readiness)
            return StageRunner.Stage(stage) { try await archiver.run(until: $0) }
        case ("batch", let catalog?):
            let batch = try batch(catalog)
            // What the last objects dirty is for the next start: nobody can tell how long it would take.
            return StageRunner.Stage(stage, waitsForThoseBefore: false) { try await batch.run(until: $0) }
        case ("console", let catalog?):
            let console = Console(
                settings: configuration.console, log: log, catalog: catalog,
                status: StatusFolder(configuration.statusFolder), logger: logger)
            return StageRunner.Stage(stage, waitsForThoseBefore: false) { try await console.run(until: $0) }
        default:
            throw CommandError("the stage \(stage) cannot be built", exitCode: .software)
        }
    }

    func batch(_ catalog: Catalog) throws -> Batch {
        var settings = BatchSettings(folder: stores.refinedFolder, store: stores.remoteRefined)
        settings.pollInterval = configuration.batch.poll
        settings.refresh = configuration.batch.refresh
        return Batch(
            settings: settings, models: try models(), catalog: catalog, engine: try engine(),
            compactor: configuration.batch.compact ? try compactor(catalog) : nil,
            retention: try configuration.batch.rawRetention.map {
                try retention(catalog, RetentionSettings(age: $0))
            }, clock: clock,
            logger: logger.named("batch"), metrics: metrics, readiness: readiness)
    }
}
