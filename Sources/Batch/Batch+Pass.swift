import MarketData
import Runtime
import Warehouse

extension Batch {
    /// Makes the tables, and finds the days that a process before this one refreshed and left unclosed.
    func prepare(_ schedule: inout BatchSchedule) async throws(CatalogError) {
        try await catalog.declare(models.declarations)
        for model in models.inOrder where model.window != nil {
            for published in try await catalog.publications(of: model.name)
            where published.publishedAt < model.close(of: published.day) {
                schedule.awaitClose(of: BatchSchedule.Key(model: model.table, day: published.day))
            }
        }
    }

    /// Computes what is due now, each model after those that it reads; of many days the newest ones, so that today
    /// does not wait until a long history is done.
    ///
    /// - Returns: whether some is left.
    func pass(_ schedule: inout BatchSchedule, start: ContinuousClock.Instant, until shutdown: Shutdown)
        async throws(CatalogError) -> Bool
    {
        var isStale = true
        var isSomeLeft = false
        for model in models.inOrder {
            if isStale { schedule.observe(try await changes(), uptime: .now - start) }
            isStale = false
            metrics.set("pregao_batch_backlog", to: Double(schedule.dirtyCount))
            let due = schedule.work(of: model, now: clock.now(), uptime: .now - start)
            isSomeLeft = isSomeLeft || due.count > Self.daysOfPass
            for work in due.prefix(Self.daysOfPass) {
                guard !shutdown.isRequested else { return false }
                let report = await compute(work.key, of: model, extent: work.extent)
                schedule.ended(
                    work, as: report.ending, byWindows: report.isByWindows, uptime: .now - start)
                // What was published dirties the models that read it.
                isStale = isStale || report.isPublished
            }
        }
        return isSomeLeft
    }

    private static let daysOfPass = 16

    /// What is dirty, by model and day.
    func changes() async throws(CatalogError) -> [BatchSchedule.Key: BatchSchedule.Change] {
        var changes: [BatchSchedule.Key: BatchSchedule.Change] = [:]
        for dirt in try await catalog.dirt() {
            guard let model = models[named: dirt.model] else { continue }
            changes[BatchSchedule.Key(model: model.table, day: dirt.day)] = BatchSchedule.Change(
                sequence: dirt.sequence, moments: dirt.first...max(dirt.first, dirt.last))
        }
        return changes
    }

    /// Computes and publishes one day, and tells of it.
    func compute(_ key: BatchSchedule.Key, of model: Model, extent: BatchSchedule.Work.Extent) async -> RunReport {
        let report = await runner.run(model, day: key.day, extent: extent)
        let labels = ["model": model.name]
        metrics.add(to: "pregao_batch_runs_total", ["model": model.name, "outcome": report.ending.rawValue])
        metrics.observe(report.seconds, in: "pregao_batch_run_seconds", labels)
        metrics.add(Double(report.files), to: "pregao_batch_input_files_total", labels)
        switch report.outcome {
        case .published(let version):
            metrics.add(Double(report.rows ?? 0), to: "pregao_batch_rows_total", labels)
            logger.info(
                "published a day",
                [
                    "model": model.name, "day": key.day, "version": version, "rows": report.rows ?? 0,
                    "files": report.files, "windows": report.isByWindows, "seconds": report.seconds,
                ])
        case .discarded:
            logger.info("another process published the day meanwhile", ["model": model.name, "day": key.day])
        case .checksFailed(let failures):
            let reason = failures.joined(separator: "; ")
            logger.error(
                "checks failed, nothing is published", ["model": model.name, "day": key.day, "reason": reason])
            await record(key, reason)
        case .notDone(let error):
            logger.error("a day could not be done", ["model": model.name, "day": key.day, "error": error])
            // What the catalog refused to take it cannot keep either.
            if error.kind != .catalog { await record(key, "\(error)") }
        }
        return report
    }

    /// Keeps the reason where every process can see it.
    private func record(_ key: BatchSchedule.Key, _ reason: String) async {
        do throws(CatalogError) {
            try await catalog.recordFailure(model: key.model.description, day: key.day, reason: reason)
        } catch {
            logger.warning("a failure could not be recorded", ["model": key.model, "day": key.day, "error": error])
        }
    }
}
