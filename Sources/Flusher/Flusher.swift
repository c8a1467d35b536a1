import EventLog
import Lake
import MarketData
import Runtime

/// Reads the datasets' topics, lands them as raw objects in the store and announces each object on `pregao.objects`,
/// together with the group's new positions and the dead letters, in one commit.
///
/// While the store or the log refuses, it holds what it has and tries again, without limit.
public struct Flusher: Sendable {
    /// Sleeps for the duration, or until the shutdown is requested.
    typealias Sleeper = @Sendable (Duration, Shutdown) async -> Void

    private let parts: FlusherParts
    private let log: any EventLog

    /// - Parameter datasets: whose topics are read. The topics, `pregao.objects` and `pregao.dead-letters` are declared
    ///   before ``run(until:)``.
    public init(
        settings: FlusherSettings, datasets: [Dataset], log: any EventLog, store: any ObjectStore,
        clock: any WallClock, logger: Logger, metrics: Metrics, readiness: Readiness = Readiness()
    ) {
        self.init(
            settings: settings, datasets: datasets, log: log, store: store, clock: clock, logger: logger,
            metrics: metrics, readiness: readiness, sleeper: { await $1.sleep(for: $0) })
    }

    init(
        settings: FlusherSettings, datasets: [Dataset], log: any EventLog, store: any ObjectStore,
        clock: any WallClock, logger: Logger, metrics: Metrics, readiness: Readiness = Readiness(),
        sleeper: @escaping Sleeper
    ) {
        self.log = log
        parts = FlusherParts(
            settings: settings, datasets: datasets, store: store, clock: clock, logger: logger,
            figures: FlusherFigures(metrics: metrics), readiness: readiness, sleeper: sleeper)
    }

    /// Runs until the shutdown is requested; then flushes what is buffered, leaves the group and returns.
    ///
    /// - Throws: ``FlusherError``, or a ``LogError`` that waiting does not mend. What was not committed is read again
    ///   by the group's next member.
    public func run(until shutdown: Shutdown) async throws {
        let faults = parts.settings.faults(datasets: parts.datasets)
        guard faults.isEmpty else { throw FlusherError.invalidSettings(faults) }
        guard let consumer = try await join(until: shutdown) else { return }
        var driver = FlusherDriver(parts: parts, log: log, consumer: consumer, shutdown: shutdown)
        do {
            try await driver.run()
        } catch {
            parts.logger.error("flusher stopped", ["cause": "\(error)"])
            await consumer.leave()
            throw error
        }
        await consumer.leave()
    }

    /// - Returns: nil where the shutdown, or cancellation, came first.
    private func join(until shutdown: Shutdown) async throws -> (any GroupConsumer)? {
        var attempt = 0
        while !shutdown.isRequested, !Task.isCancelled {
            do throws(LogError) {
                let consumer = try await log.join(
                    group: parts.settings.group, instance: parts.settings.instance, topics: parts.datasets.map(\.topic))
                parts.readiness.clear(FlusherParts.logHindrance)
                return consumer
            } catch {
                guard !error.isFinal, error.kind != .unknownTopic else { throw error }
                attempt += 1
                parts.logger.warning("cannot join the group yet", ["cause": error, "attempt": attempt])
                parts.readiness.hold(FlusherParts.logHindrance, "flusher: cannot join its group: \(error)")
                await parts.pause(afterAttempt: attempt, until: shutdown)
            }
        }
        return nil
    }
}

/// What the flusher works with.
struct FlusherParts: Sendable {
    let settings: FlusherSettings
    let datasets: [Dataset]
    let store: any ObjectStore
    let clock: any WallClock
    let logger: Logger
    let figures: FlusherFigures
    let readiness: Readiness
    let sleeper: Flusher.Sleeper

    static let logHindrance = "flusher/log"

    func pause(afterAttempt attempt: Int, until shutdown: Shutdown) async {
        let duration = settings.retryPause.duration(afterAttempt: attempt, jitter: Double.random(in: 0...1))
        await sleeper(duration, shutdown)
    }
}
