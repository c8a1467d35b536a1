import Archiver
import Console
import Feeds
import Flusher
import MarketData
import Poller
import Runtime

extension Setting {
    /// Every setting there is.
    public static let all: [Setting] =
        general + operations + kafka + stores + poller + KnownFeeds.polledNames.flatMap(feed)
        + sourceNames.flatMap(source) + flusher
        + archiver
        + batch + compaction + retention + catalog + catalogMetadata

    private static let feedNames = KnownFeeds.polledNames + KnownFeeds.taskNames

    private static let sourceNames = Set(feedNames.compactMap(KnownFeeds.source)).sorted()

    private static let standard = Configuration()

    private static let general: [Setting] = [
        text("data", "The folder that holds all of Pregão's data.", standard: standard.data) { $0.data = $1 },
        duration(
            "drain", "How long the stages may take to finish, all in all, once told to stop.", standard: standard.drain,
            in: .seconds(1) ... .seconds(600)
        ) { $0.drain = $1 },
        choice("logging.level", "The least level that is written.", standard: LevelName.info) {
            $0.logging.level = $1.level
        },
        choice("logging.format", "How log lines are written.", standard: standard.logging.format) {
            $0.logging.format = $1
        },
        choice(
            "log.kind", "Where messages are kept: in a file of this machine, or on Kafka.", standard: standard.log.kind
        ) {
            $0.log.kind = $1
        },
        integer(
            "log.partitions",
            "Partitions that each topic of datasets, tasks and objects is made with. A log that is there keeps its own: "
                + "a smaller number changes nothing, a larger one ends the program.",
            standard: Int(standard.log.partitions), in: 1...256
        ) { $0.log.partitions = Int32($1) },
        duration(
            "log.retention-age", "How long messages are kept once every group has passed them.",
            standard: standard.log.retentionAge, in: .seconds(60) ... .seconds(86_400 * 3650)
        ) { $0.log.retentionAge = $1 },
        bytes(
            "log.retention-bytes", "How much of a partition is kept once every group has passed it.",
            standard: standard.log.retentionBytes, in: 1 << 20...1 << 50
        ) { $0.log.retentionBytes = $1 },
        duration(
            "log.lease", "How long a process that stopped answering keeps its partitions.",
            standard: standard.log.lease, in: .seconds(1) ... .seconds(600)
        ) { $0.log.lease = $1 },
        text("console.address", "Where the console listens.", standard: standard.console.address) {
            $0.console.address = $1
        },
        integer(
            "console.port", "The console's port; 0 takes any.", standard: Int(standard.console.port), in: 0...65_535
        ) {
            $0.console.port = UInt16($1)
        },
    ]

    private enum LevelName: String, CaseIterable {
        case debug, info, warning, error

        var level: Logger.Level {
            switch self {
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        }
    }

    private static let poller: [Setting] = [
        text("poller.instance", "Unique among the pollers, stable across restarts.", standard: standard.poller.instance)
        {
            $0.poller.instance = $1
        },
        text("poller.user-agent", "What requests say they are.", standard: standard.poller.http.userAgent) {
            $0.poller.http.userAgent = $1
        },
        duration(
            "poller.timeout", "How long a request may take.", standard: standard.poller.http.totalTimeout,
            in: .milliseconds(100) ... .seconds(300)
        ) { $0.poller.http.totalTimeout = $1 },
        duration(
            "poller.connect-timeout", "How long connecting may take.", standard: standard.poller.http.connectTimeout,
            in: .milliseconds(100) ... .seconds(300)
        ) { $0.poller.http.connectTimeout = $1 },
        integer(
            "poller.retries-in-slot", "Requests made again inside a slot whose first one failed.",
            standard: standard.poller.retriesInSlot, in: 0...10
        ) { $0.poller.retriesInSlot = $1 },
        integer(
            "poller.waiting-polls", "Polls of a source that may wait for their turn before the oldest becomes a gap.",
            standard: standard.poller.maximumWaiting, in: 100...10_000_000
        ) { $0.poller.maximumWaiting = $1 },
        integer(
            "poller.waiting-quotes", "Quotes that may wait for a slow log before the oldest becomes a gap.",
            standard: standard.poller.maximumBufferedQuotes, in: 100...10_000_000
        ) { $0.poller.maximumBufferedQuotes = $1 },
        duration(
            "poller.task-commit-interval", "How long a finished task waits for others before its rows are appended.",
            standard: standard.poller.taskCommitInterval, in: .milliseconds(10) ... .seconds(600)
        ) { $0.poller.taskCommitInterval = $1 },
    ]

    private static func feed(_ name: String) -> [Setting] {
        let at = "feeds.\(name)"
        var settings = [
            symbols(of: name),
            duration(
                "\(at).interval", "The time between two polls of a symbol.", standard: .seconds(1),
                in: .milliseconds(100) ... .seconds(86_400)
            ) { $0.poller[feed: name].interval = $1 },
        ]
        let priceTypes = KnownFeeds.priceTypes(of: name)
        if !priceTypes.isEmpty {
            settings.append(
                list(
                    "\(at).price-types", priceTypes.joined(separator: ", "), "Which prices are polled.",
                    standard: "[\(priceTypes.joined(separator: ", "))]", of: priceTypes
                ) { $0.poller[feed: name].priceTypes = $1 })
        }
        return settings
    }

    /// `[BTC-USD, ETH-USD@5s]`: a symbol may have an interval of its own.
    private static func symbols(of name: String) -> Setting {
        Setting(
            path: "feeds.\(name).symbols", takes: "symbols, each with @INTERVAL where it has one of its own",
            help: "What is polled, such as [BTC-USD, ETH-USD@5s].", standard: nil,
            apply: { configuration, texts in
                var symbols: [String] = []
                var intervals: [String: Duration] = [:]
                for text in texts {
                    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(
                        String.init)
                    if symbols.contains(parts[0]) { return "names \(parts[0]) twice" }
                    symbols.append(parts[0])
                    guard parts.count == 2 else { continue }
                    guard let interval = Quantities.duration(parts[1]), interval >= .milliseconds(100) else {
                        return "takes an interval of 100ms or more behind @, not '\(parts[1])'"
                    }
                    intervals[parts[0]] = interval
                }
                configuration.poller[feed: name].symbols = symbols
                configuration.poller[feed: name].intervals = intervals
                return nil
            }, isList: true)
    }

    private static func source(_ name: String) -> [Setting] {
        let at = "sources.\(name)"
        return [
            text("\(at).base-url", "Where the source is, if not at its own address.", standard: nil) {
                for feed in feedNames where KnownFeeds.source(of: feed) == name { $0.poller.baseURLs[feed] = $1 }
            },
            number(
                "\(at).requests-per-second", "The most requests in a second, on average.", standard: nil,
                in: 0.001...1_000_000
            ) { $0.poller.sources[name, default: SourceLimits()].requestsPerSecond = $1 },
            integer("\(at).requests-per-day", "The most requests in a UTC day.", standard: nil, in: 1...1 << 40) {
                $0.poller.sources[name, default: SourceLimits()].dailyBudget = $1
            },
            integer(
                "\(at).in-flight", "Requests under way at once.", standard: SourceLimits().maximumInFlight,
                in: 1...10_000
            ) { $0.poller.sources[name, default: SourceLimits()].maximumInFlight = $1 },
        ]
    }

    private static let flusher: [Setting] =
        [
            text("flusher.instance", "Unique among the flushers, stable across restarts.", standard: "flusher") {
                $0.flusher.instance = $1
            },
            bytes(
                "flusher.memory", "What may be buffered over all partitions.", standard: standard.flusher.memoryLimit,
                in: 1 << 20...64 << 30
            ) { $0.flusher.memoryLimit = $1 },
        ]
        + trigger("flusher", of: "a batch", \.flusher.trigger)
        + Datasets.all.flatMap { dataset in
            trigger("flusher.datasets.\(dataset.name)", of: "a batch of \(dataset.name)", \.flusher[dataset])
        }

    private static func trigger(
        _ at: String, of batch: String, _ trigger: any WritableKeyPath<Configuration, BatchTrigger> & Sendable
    ) -> [Setting] {
        let standard = standard[keyPath: trigger]
        return [
            bytes(
                "\(at).size", "The messages' size at which \(batch) is written.", standard: standard.size,
                in: BatchTrigger.sizes
            ) {
                $0[keyPath: trigger].size = $1
            },
            duration(
                "\(at).interval", "The age at which \(batch) is written.", standard: standard.interval,
                in: BatchTrigger.intervals
            ) {
                $0[keyPath: trigger].interval = $1
            },
            integer(
                "\(at).messages", "The number of messages at which \(batch) is written.", standard: nil,
                in: 1...100_000_000
            ) {
                $0[keyPath: trigger].messages = $1
            },
        ]
    }

    private static let archiver: [Setting] = [
        text(
            "archiver.instance", "Unique among the archivers, stable across restarts.",
            standard: standard.archiver.instance
        ) {
            $0.archiver.instance = $1
        },
        integer(
            "archiver.batch", "Object-created messages taken at once.", standard: standard.archiver.batchCount,
            in: 1...10_000
        ) { $0.archiver.batchCount = $1 },
        duration(
            "archiver.window", "How long the first of a batch may wait for others.", standard: standard.archiver.window,
            in: .zero ... .seconds(60)
        ) { $0.archiver.window = $1 },
        duration(
            "archiver.longest-pause", "The longest pause between tries while a store or the catalog refuses.",
            standard: standard.archiver.longestPause, in: .seconds(1) ... .seconds(3600)
        ) { $0.archiver.longestPause = $1 },
    ]

    private static let batch: [Setting] = [
        text("batch.models", "A folder of further models (.sql and .yml).", standard: nil) { $0.batch.models = $1 },
        duration(
            "batch.poll", "How often the catalog is asked what is dirty.", standard: standard.batch.poll,
            in: .milliseconds(100) ... .seconds(3600)
        ) { $0.batch.poll = $1 },
        duration(
            "batch.refresh", "How often an open day is computed at most, in place of what its model says.",
            standard: nil, in: .seconds(1) ... .seconds(86_400)
        ) { $0.batch.refresh = $1 },
    ]

    private static let catalog: [Setting] = [
        text("catalog.duckdb", "DuckDB's command-line program.", standard: nil) { $0.catalog.duckdb = $1 },
        bytes(
            "catalog.memory", "What one run of DuckDB may use.", standard: standard.catalog.memory,
            in: 64 << 20...1 << 40
        ) { $0.catalog.memory = $1 },
        integer(
            "catalog.threads", "Threads that one run of DuckDB may use.", standard: standard.catalog.threads,
            in: 1...256
        ) {
            $0.catalog.threads = $1
        },
        duration(
            "catalog.timeout",
            "What one transaction may take before its DuckDB process is ended and it is tried again.",
            standard: standard.catalog.timeout, in: .seconds(5) ... .seconds(86_400)
        ) { $0.catalog.timeout = $1 },
    ]
}

extension FlusherSettings {
    /// The dataset's trigger, its own or the one for all.
    fileprivate subscript(dataset: Dataset) -> BatchTrigger {
        get { trigger(of: dataset) }
        set { triggers[dataset.name] = newValue }
    }
}

extension PollerSettings {
    /// The feed's settings, made where there are none yet.
    fileprivate subscript(feed name: String) -> PollerSettings.Feed {
        get { feeds.first { $0.name == name } ?? PollerSettings.Feed(name: name, symbols: []) }
        set {
            feeds.removeAll { $0.name == name }
            feeds.append(newValue)
        }
    }
}

extension KnownFeeds {
    static func source(of name: String) -> String? { polled(name)?.source ?? task(name)?.source }
}
