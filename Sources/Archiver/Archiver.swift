import EventLog
import Lake
import MarketData
import Runtime
import Warehouse

/// Takes object-created messages, copies each object to backup, registers it in the catalog and marks its trading days
/// dirty, then commits. Every step can be repeated without harm, so that an archiver may die anywhere.
///
/// While a store, the catalog or the log refuses, it holds the partition back and tries again, without limit. What
/// cannot be had is refused: kept in the ledger, and sent to `pregao.dead-letters` in the commit that passes it.
public struct Archiver: Sendable {
    public static let group = "pregao.archiver"

    private let settings: ArchiverSettings
    private let log: any EventLog
    private let parts: ArchiverParts

    /// - Parameters:
    ///   - datasets: those that the catalog was opened with.
    ///   - log: `pregao.objects` and `pregao.dead-letters` are declared before ``run(until:)``.
    public init(
        settings: ArchiverSettings, datasets: [Dataset] = Datasets.all, log: any EventLog, raw: any ObjectStore,
        backup: any ObjectStore, catalog: Catalog, clock: any WallClock, logger: Logger, metrics: Metrics,
        readiness: Readiness = Readiness()
    ) {
        let start = ContinuousClock.now
        self.init(
            settings: settings, datasets: datasets, log: log, raw: raw, backup: backup, catalog: catalog, clock: clock,
            logger: logger, metrics: metrics, readiness: readiness, elapsed: { ContinuousClock.now - start })
    }

    /// - Parameter elapsed: since any fixed moment, by a clock that never jumps; the log's consumer waits by it.
    init(
        settings: ArchiverSettings, datasets: [Dataset], log: any EventLog, raw: any ObjectStore,
        backup: any ObjectStore, catalog: Catalog, clock: any WallClock, logger: Logger, metrics: Metrics,
        readiness: Readiness, elapsed: @escaping @Sendable () -> Duration
    ) {
        let figures = ArchiverFigures(metrics: metrics, clock: clock)
        self.settings = settings
        self.log = log
        parts = ArchiverParts(
            settings: settings, datasets: Dictionary(datasets.map { ($0.name, $0) }) { first, _ in first },
            copier: Copier(raw: raw, backup: backup),
            registrar: Registrar(
                catalog: catalog, raw: raw, refusals: RefusalLedger(backup: backup, raw: raw, epoch: log.epoch),
                figures: figures, logger: logger),
            figures: figures, readiness: readiness, logger: logger, elapsed: elapsed)
    }

    /// Works until the shutdown is requested; then archives what was announced until then, but for partitions that are
    /// held back, leaves the group and returns.
    ///
    /// - Throws: a ``LogError`` that waiting does not mend. What was not committed is taken again by the next archiver.
    public func run(until shutdown: Shutdown) async throws {
        guard let consumer = try await join(until: shutdown) else { return }
        var session = ArchiverSession(parts: parts, log: log, consumer: consumer)
        do throws(LogError) {
            try await session.work(until: shutdown)
        } catch {
            parts.logger.error("archiver stopped", ["cause": error])
            await consumer.leave()
            throw error
        }
        await consumer.leave()
    }

    /// - Returns: nil where the shutdown, or cancellation, came first.
    private func join(until shutdown: Shutdown) async throws(LogError) -> (any GroupConsumer)? {
        while !shutdown.isRequested, !Task.isCancelled {
            do throws(LogError) {
                return try await log.join(
                    group: Self.group, instance: settings.instance, topics: [Announcement.topic])
            } catch {
                guard !error.isFinal, error.kind != .unknownTopic else { throw error }
                parts.figures.retried("join")
                parts.logger.warning("cannot join the group yet", ["cause": error])
                parts.readiness.hold(ArchiverParts.logHindrance, "archiver: cannot join its group: \(error)")
                await shutdown.sleep(for: settings.firstPause)
            }
        }
        return nil
    }
}

extension LogError {
    /// Waiting does not help: the log has to be looked at, or is closed, or another process runs as this instance.
    var isFinal: Bool { kind == .corrupt || kind == .closed || kind == .fenced }
}

/// What the archiver works with.
struct ArchiverParts: Sendable {
    let settings: ArchiverSettings
    let datasets: [String: Dataset]
    let copier: Copier
    let registrar: Registrar
    let figures: ArchiverFigures
    let readiness: Readiness
    let logger: Logger
    let elapsed: @Sendable () -> Duration

    static let logHindrance = "archiver/log"

    /// - Parameter batch: each partition's arrivals in ascending order of offset.
    /// - Returns: an outcome for each arrival.
    func archive(_ batch: [Arrival]) async -> [ArrivalOutcome] {
        await registrar.settle(batch, await copyAll(batch))
    }

    /// Copies with bounded concurrency and memory.
    private func copyAll(_ batch: [Arrival]) async -> [ArrivalStep] {
        var steps: [ArrivalStep] = []
        while steps.count < batch.count {
            let next = batch[steps.count...].prefix(countOfCopies(batch[steps.count...]))
            steps += await withTaskGroup(of: (Int, ArrivalStep).self) { group in
                for (index, arrival) in zip(next.indices, next) {
                    group.addTask { (index, await step(for: arrival)) }
                }
                var done: [(Int, ArrivalStep)] = []
                for await step in group { done.append(step) }
                return done.sorted { $0.0 < $1.0 }.map(\.1)
            }
        }
        return steps
    }

    private func countOfCopies(_ batch: ArraySlice<Arrival>) -> Int {
        var bytes: Int64 = 0
        var count = 0
        for arrival in batch.prefix(settings.concurrentCopies) {
            if case .announcement(let announcement) = arrival.content { bytes += announcement.size }
            guard bytes <= settings.copyBytes || count == 0 else { break }
            count += 1
        }
        return count
    }

    private func step(for arrival: Arrival) async -> ArrivalStep {
        switch arrival.content {
        case .unreadable(let refusal): return .refuse(nil, refusal)
        case .misnamed(let announcement, let refusal): return .refuse(announcement, refusal)
        case .announcement(let announcement):
            guard let dataset = datasets[announcement.dataset] else {
                return .refuse(announcement, Refusal(.unknownDataset, "there is no dataset \(announcement.dataset)"))
            }
            guard announcement.schemaVersion <= dataset.version else {
                return .hold(
                    reason: "\(announcement.key) is of version \(announcement.schemaVersion) of \(dataset.name), "
                        + "newer than this program's, \(dataset.version): run a newer version of the program")
            }
            switch await copier.copy(announcement, message: arrival.message ?? []) {
            case .copied: return .register(announcement)
            case .refused(let refusal): return .refuse(announcement, refusal)
            case .held(let reason): return .hold(reason: reason)
            }
        }
    }
}
