import Foundation
import Runtime
import Terminal

/// Runs stages side by side. On shutdown those that hand on drain one after the other in the order of the pipeline, so
/// that each finds what the one before it has handed on; the others drain at once, and leave the machine to these.
struct StageRunner {
    struct Stage: Sendable {
        let name: String
        /// Whether it has to finish what the stages before it hand on; what it does not finish would otherwise be done
        /// by the next start alone.
        let waitsForThoseBefore: Bool
        let run: @Sendable (Shutdown) async throws -> Void

        init(
            _ name: String, waitsForThoseBefore: Bool = true, run: @escaping @Sendable (Shutdown) async throws -> Void
        ) {
            self.name = name
            self.waitsForThoseBefore = waitsForThoseBefore
            self.run = run
        }
    }

    let stages: [Stage]
    let drain: Duration
    let logger: Logger

    /// Returns when every stage has drained.
    ///
    /// - Throws: the error of the first stage that could not go on; the others have drained then.
    func run(until shutdown: Shutdown) async throws {
        let own = stages.map { _ in Shutdown() }
        let ended = stages.map { _ in Shutdown() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (stage, signals) in zip(stages, zip(own, ended)) {
                group.addTask {
                    defer {
                        signals.1.request()
                        // A stage that ends by itself ends the run.
                        shutdown.request()
                    }
                    do { try await stage.run(signals.0) } catch {
                        logger.error("stage cannot go on", ["stage": stage.name, "error": error])
                        throw error
                    }
                }
            }
            await shutdown.requested()
            let watchdog = Task { await endIfTooLong() }
            for (stage, shutdown) in zip(stages, own) where !stage.waitsForThoseBefore { shutdown.request() }
            for (stage, signals) in zip(stages, zip(own, ended)) {
                signals.0.request()
                await signals.1.requested()
                logger.info("stage drained", ["stage": stage.name])
            }
            watchdog.cancel()
            try await group.waitForAll()
        }
    }

    /// A stage that hangs must not keep the program from ending: what it had taken stands in the log.
    private func endIfTooLong() async {
        do { try await Task.sleep(for: drain) } catch { return }
        logger.error("draining took too long; what is not finished is taken up at the next start", ["limit": drain])
        _exit(ExitCode.temporary.rawValue)
    }
}
