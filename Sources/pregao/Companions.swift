import Configuration
import EventLog
import Foundation
import Operations
import Runtime

/// What goes on beside the stages of a process: its status file, the groups' lag, the log's retention, stores that it waits
/// for, and the end of its time.
struct Companions {
    let workplace: Workplace
    let name: String
    let stages: [String]
    let log: any EventLog
    /// Stores that have not answered yet.
    let awaited: [StoreWatch]
    let appliesRetention: Bool

    /// Runs the stages until the shutdown is requested or the limit has passed, and returns when they have drained.
    func run(beside runner: StageRunner, until shutdown: Shutdown, for limit: Duration?) async throws {
        let ended = Shutdown()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await writeStatus(until: ended) }
            group.addTask { await measureLag(until: ended) }
            group.addTask {
                await shutdown.requested()
                workplace.readiness.hold("process", "the process is draining")
            }
            for watch in awaited { group.addTask { await watch.run(until: ended) } }
            if appliesRetention { group.addTask { await applyRetention(until: ended) } }
            if let limit { group.addTask { if await ended.sleep(for: limit) { shutdown.request() } } }
            defer {
                ended.request()
                // A stage that cannot go on ends the run too.
                shutdown.request()
            }
            try await runner.run(until: shutdown)
        }
    }

    private func writeStatus(until ended: Shutdown) async {
        let folder = StatusFolder(workplace.configuration.statusFolder)
        let startedAt = workplace.clock.now()
        repeat {
            let status = ProcessStatus(
                name: name, pid: getpid(), stages: stages, startedAt: startedAt, updatedAt: workplace.clock.now(),
                figures: workplace.metrics.statusFigures())
            do { try folder.write(status) } catch {
                workplace.logger.warning("cannot write the status file", ["error": error])
            }
        } while await ended.sleep(for: .seconds(2))
        folder.remove(name)
    }

    private func measureLag(until ended: Shutdown) async {
        let lag = LagFigures(log: log, metrics: workplace.metrics, readiness: workplace.readiness)
        repeat { await lag.measure(stages, until: ended) } while await ended.sleep(for: .seconds(10))
    }

    /// While the time of day is not to be believed, nothing is removed for its age; what is beyond its bytes is.
    private func applyRetention(until ended: Shutdown) async {
        var time = BelievableTime(clock: workplace.clock)
        while await ended.sleep(for: .seconds(60)) {
            let now = time.now()
            do throws(LogError) { try await log.applyRetention(now: now) } catch {
                workplace.logger.warning("cannot apply the log's retention; tried again in a minute", ["error": error])
            }
        }
    }
}
