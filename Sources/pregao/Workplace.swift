import Archiver
import Batch
import Configuration
import EventLog
import Foundation
import KafkaLog
import Lake
import MarketData
import Runtime
import Terminal
import Warehouse

/// The parts that commands work with, built from the settings.
struct Workplace {
    let configuration: Configuration
    let clock: any WallClock = SystemWallClock()
    let logger: Logger
    let metrics = Metrics()
    let readiness = Readiness()
    let stores: Stores

    init(_ configuration: Configuration, component: String) {
        self.configuration = configuration
        logger = Logger(
            component: component, minimum: configuration.logging.level, format: configuration.logging.format)
        stores = Stores(configuration, logger: logger)
    }

    /// Opens the log, and makes it where it is not there yet.
    func openLog() async throws(LogError) -> any EventLog {
        if configuration.log.kind == .kafka { return try await KafkaEventLog.open(kafkaSettings) }
        return try await SQLiteEventLog.open(at: configuration.logPath, settings: logSettings, clock: clock)
    }

    /// Opens a log that is there; for commands that only look.
    func openExistingLog() async throws(LogError) -> any EventLog {
        if configuration.log.kind == .kafka { return try await KafkaEventLog.open(kafkaSettings) }
        return try await SQLiteEventLog.openExisting(at: configuration.logPath, settings: logSettings, clock: clock)
    }

    private var kafkaSettings: KafkaLogSettings {
        var settings = configuration.kafka
        settings.sessionTimeout = configuration.log.lease
        let logger = logger.named("librdkafka")
        settings.report = { severity, words in
            // As syslog counts: 4 is a warning.
            if severity <= 4 { logger.warning(words) } else { logger.info(words) }
        }
        return settings
    }

    private var logSettings: SQLiteLogSettings {
        var settings = SQLiteLogSettings()
        settings.lease = configuration.log.lease
        // A lease outlasts some heartbeats, however short it is.
        settings.heartbeat = min(settings.heartbeat, configuration.log.lease / 5)
        return settings
    }

    /// The catalog, opened.
    ///
    /// - Parameter create: whether it is made where it is not there yet.
    func openCatalog(create: Bool) async throws -> Catalog {
        let catalog = try catalog()
        try await checkIsNotLost(catalog)
        try await catalog.open(datasets: Datasets.all, create: create)
        return catalog
    }

    /// The catalog, opened, and made where it is not there yet. A backup store that does not answer is waited for: it
    /// alone can tell a catalog that was never there from one that was lost.
    ///
    /// - Returns: nil where the shutdown came first.
    func openCatalog(until shutdown: Shutdown) async throws -> Catalog? {
        while !shutdown.isRequested, !Task.isCancelled {
            do {
                return try await openCatalog(create: true)
            } catch let error as StoreError where error.kind == .unavailable {
                logger.warning("cannot ask the backup store whether the catalog was lost", ["error": error])
                await shutdown.sleep(for: .seconds(2))
            }
        }
        return nil
    }

    /// An empty catalog in the place of one that was lost would show little of what there is, and call it proven.
    private func checkIsNotLost(_ catalog: Catalog) async throws {
        guard try await !catalog.exists(), try await stores.hasBackup() else { return }
        throw CommandError(
            "catalog: \(catalog.name) is gone, and there are objects in \(stores.backup.location(of: ""))",
            next: "Run 'pregao catalog rebuild': it is made again from the backup.", exitCode: .unavailable)
    }

    func catalog() throws(CatalogError) -> Catalog {
        // One thread: a transaction of a few rows is over before others would have started.
        Catalog(
            folder: configuration.catalogFolder, server: configuration.catalog.server, engine: try engine(threads: 1),
            clock: clock, logger: logger.named("catalog"), metrics: metrics,
            patience: Patience(transaction: configuration.catalog.timeout))
    }

    /// DuckDB for models and queries.
    func engine() throws(CatalogError) -> DuckDB { try engine(threads: configuration.catalog.threads) }

    private func engine(threads: Int) throws(CatalogError) -> DuckDB {
        DuckDB(
            location: try DuckDB.Location.discover(setting: configuration.catalog.duckdb),
            memoryLimit: Int64(configuration.catalog.memory), threads: threads,
            temporaryFolder: "\(configuration.catalogFolder)/tmp",
            environment: configuration.catalog.server?.environment ?? [:], stores: EngineStores(stores.readByEngine))
    }

    /// The program's own models, and those of the user's folder.
    func models() throws(ModelFaults) -> Models {
        guard let folder = configuration.batch.models else { return try Models.bundled() }
        return try Models(folders: [Models.bundledFolder, folder])
    }

    /// The topics that every stage relies on, each with the group that is to read all of it, whether it was ever started
    /// or not.
    static let topics: [(name: String, group: String)] =
        Datasets.all.map { ($0.topic, "pregao.flusher") } + [(Announcement.topic, Archiver.group)]

    /// Declares the topics; whoever starts first makes them. The poller declares its own beside.
    func declareTopics(in log: any EventLog) async throws(LogError) {
        let settings = configuration.log
        let kept = Retention(.delete(age: settings.retentionAge, bytes: settings.retentionBytes))
        // What was fetched once is not fetched again, however long ago: that is read off the runs.
        let always = Retention(.delete(age: nil, bytes: nil))
        for (name, group) in Self.topics {
            let retention = name == Datasets.runs.topic ? always : kept
            try await log.declare(
                TopicDeclaration(name: name, partitions: settings.partitions, retention: retention), readBy: [group])
        }
        try await log.declare(TopicDeclaration(name: DeadLetter.topic, partitions: 1, retention: kept))
    }
}
