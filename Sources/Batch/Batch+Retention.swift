import Runtime
import Warehouse

/// What is left to do about raw's retention, and when it is looked at again: what fails is not tried without end.
struct RetentionRound {
    var left: ArraySlice<RawRetention.Due> = []
    var next: ContinuousClock.Instant
}

extension Batch {
    /// Takes a step for the objects of one compacted file, so that days that become dirty need not wait for long.
    ///
    /// - Returns: whether some may be left.
    func retainNext(of round: inout RetentionRound) async -> Bool {
        guard let retention else { return false }
        if round.left.isEmpty, round.next <= .now {
            round.left = await due(of: retention)[...]
            round.next = .now + settings.retentionInterval
        }
        guard let due = round.left.popFirst() else { return false }
        tell(await retention.apply(due))
        return true
    }

    /// A failure is logged: the next time comes.
    private func due(of retention: RawRetention) async -> [RawRetention.Due] {
        do throws(CatalogError) {
            let due = try await retention.due()
            metrics.set("pregao_batch_expiration_obstacles", to: Double(due.count { $0.obstacle != nil }))
            return due.filter { $0.obstacle == nil }
        } catch {
            logger.warning("what has expired cannot be told", ["error": error])
            return []
        }
    }

    private func tell(_ report: RetentionReport) {
        let about: KeyValuePairs<String, any Sendable> = [
            "file": report.file.key, "objects": report.file.inputs.count, "bytes": report.bytes,
        ]
        switch (report.outcome, report.step) {
        case (.done, .expire):
            metrics.add(Double(report.file.inputs.count), to: "pregao_batch_expired_objects_total")
            logger.info("raw objects have expired", about)
        case (.done, .remove):
            metrics.add(Double(report.file.inputs.count), to: "pregao_batch_removed_objects_total")
            metrics.add(Double(report.bytes), to: "pregao_batch_removed_bytes_total")
            logger.info("expired raw objects were removed", about)
        case (.kept(let reason), _):
            logger.info("raw objects are kept", ["file": report.file.key, "reason": reason])
        case (.failed(let reason), _):
            metrics.add(to: "pregao_batch_retention_failures_total")
            logger.warning("raw objects are kept", ["file": report.file.key, "reason": reason])
        }
    }
}
