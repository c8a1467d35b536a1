import Runtime
import Warehouse

extension Batch {
    /// Compacts the due day whose turn it is, if there is one, and tells of it. What cannot be done is logged and tried
    /// again later.
    ///
    /// - Returns: whether another day may be compacted at once.
    func compactOneDay(_ schedule: inout CompactionSchedule, uptime: Duration) async -> Bool {
        guard let compactor else { return false }
        let due: [CompactableDay]
        do throws(CatalogError) { due = try await compactor.due() } catch {
            metrics.add(to: "pregao_batch_compaction_failures_total")
            logger.warning("what is to be compacted could not be read", ["error": error])
            return false
        }
        guard let day = schedule.next(of: due, uptime: uptime) else { return false }
        let start = ContinuousClock.now
        let report = await compactor.compact(day)
        schedule.ended(day, as: report, uptime: uptime)
        metrics.add(Double(report.objects), to: "pregao_batch_compacted_objects_total")
        metrics.add(Double(report.files), to: "pregao_batch_compacted_files_total")
        if report.files > 0 {
            logger.info(
                "compacted a day",
                [
                    "dataset": report.dataset, "day": report.day, "objects": report.objects, "files": report.files,
                    "rows": report.rows, "seconds": (ContinuousClock.now - start) / .seconds(1),
                ])
        }
        metrics.add(Double(report.failures.count), to: "pregao_batch_compaction_failures_total")
        for failure in report.failures {
            logger.warning(
                "a day could not be compacted", ["dataset": report.dataset, "day": report.day, "error": failure])
        }
        return !report.failures.contains { $0.kind.isOfEverything }
    }
}
