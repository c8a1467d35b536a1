import MarketData
import Runtime
import Warehouse

/// The stage that turns dirty days into refined tables.
///
/// It looks at the catalog at intervals, computes what ``BatchSchedule`` says, upstream models before those that read
/// them, and publishes each day in one catalog transaction. Several processes may run it on one catalog: a day that
/// two compute is published once, the other result is thrown away.
public struct Batch: Sendable {
    let settings: BatchSettings
    let models: Models
    let catalog: Catalog
    let runner: DayRunner
    let compactor: Compactor?
    let retention: RawRetention?
    let clock: any WallClock
    let logger: Logger
    let metrics: Metrics
    let readiness: Readiness

    /// - Parameters:
    ///   - engine: computes the days; a whole day is what its memory and threads are for.
    ///   - compactor: compacts closed days while nothing else is to be done; nil for never.
    ///   - retention: lets raw objects go that were compacted, likewise; nil for never.
    ///   - clock: decides what day is open; durations are not taken from it.
    public init(
        settings: BatchSettings, models: Models, catalog: Catalog, engine: DuckDB,
        compactor: Compactor? = nil, retention: RawRetention? = nil, clock: any WallClock = SystemWallClock(),
        logger: Logger, metrics: Metrics,
        readiness: Readiness = Readiness()
    ) {
        self.settings = settings
        self.models = models
        self.catalog = catalog
        self.compactor = compactor
        self.retention = retention
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
        self.readiness = readiness
        runner = DayRunner(
            models: models, catalog: catalog, engine: engine,
            folder: RefinedFolder(root: settings.folder, store: settings.store))
    }

    /// Runs until the shutdown is requested; a day being computed is finished first.
    ///
    /// A catalog that cannot be reached is tried again, with growing pauses, without limit.
    public func run(until shutdown: Shutdown) async throws {
        runner.folder.removeLeftovers(now: clock.now())
        let start = ContinuousClock.now
        var schedule = newSchedule()
        var declared = Declared()
        var failures = 0
        var compaction = start + settings.compactionInterval
        var compactions = CompactionSchedule(
            shortestPause: settings.shortestCompactionPause, longestPause: settings.longestCompactionPause)
        var expiration = RetentionRound(next: start + settings.retentionInterval)
        repeat {
            do throws(CatalogError) {
                try await prepareIfNew(&schedule, &declared)
                let isSomeLeft = try await pass(&schedule, start: start, until: shutdown)
                failures = 0
                readiness.clear("batch/catalog")
                if isSomeLeft { continue }
                if compaction <= .now {
                    if await compactOneDay(&compactions, uptime: .now - start) { continue }
                    compaction = .now + settings.compactionInterval
                }
                if await retainNext(of: &expiration) { continue }
            } catch {
                failures += 1
                metrics.add(to: "pregao_batch_catalog_failures_total")
                logger.warning("the catalog does not answer", ["error": error, "failures": failures])
                readiness.hold("batch/catalog", "batch: the catalog does not answer: \(error)")
            }
            let pause = failures == 0 ? settings.pollInterval : settings.pause(after: failures)
            await shutdown.sleep(for: pause)
            // A cancelled task cannot pause.
        } while !shutdown.isRequested && !Task.isCancelled
    }

    /// In which catalog the models are declared.
    private struct Declared {
        var identity: String?
        /// When that is to be held against the catalog that is there.
        var check = ContinuousClock.now
    }

    /// Prepares where that is to be done first, and again where another catalog has taken the one's place, as by
    /// `pregao catalog rebuild`: it knows no model, and so has nothing dirty.
    private func prepareIfNew(_ schedule: inout BatchSchedule, _ declared: inout Declared) async throws(CatalogError) {
        guard declared.check <= .now else { return }
        let identity = try await catalog.identity()
        if identity != declared.identity {
            schedule = newSchedule()
            try await prepare(&schedule)
            logger.info("watching for dirty days", ["models": models.inOrder.count])
        }
        declared.identity = identity
        // To ask takes the engine as long as to ask what is dirty.
        declared.check = .now + settings.pollInterval * 10
    }

    /// Computes days once: every dirty one of every model, or those given, whatever the time of day.
    ///
    /// - Parameters:
    ///   - days: nil for every dirty day.
    ///   - force: also where nothing has changed; `days` are to be given then.
    /// - Returns: a report a computed day, upstream first. A day that could not be done is in its report.
    public func runOnce(days: [Day]? = nil, models names: Set<String>? = nil, force: Bool = false)
        async throws(CatalogError) -> [RunReport]
    {
        try await catalog.declare(models.declarations)
        var reports: [RunReport] = []
        for model in models.inOrder where names?.contains(model.name) ?? true {
            let dirty = try await changes().filter { $0.key.model == model.table }
            let wanted = force ? Set(days ?? []).union(dirty.keys.map(\.day)) : Set(dirty.keys.map(\.day))
            for day in wanted.sorted() where days?.contains(day) ?? true {
                let key = BatchSchedule.Key(model: model.table, day: day)
                reports.append(await compute(key, of: model, extent: .wholeDay))
            }
        }
        return reports
    }

    private func newSchedule() -> BatchSchedule {
        BatchSchedule(
            models: models.inOrder, refresh: settings.refresh, shortestPause: settings.shortestPause,
            longestPause: settings.longestPause)
    }
}
