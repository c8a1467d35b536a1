import Lake
import MarketData
import Warehouse

/// Finds raw objects that the ledger does not have: a crash leaves some, the sweep takes them after its grace.
struct OrphanAudit {
    let raw: any ObjectStore
    let grace: Duration
    let now: Instant

    func audit(_ keys: Set<String>, _ ranges: [LedgerRange], into report: inout VerificationReport)
        async
    {
        let reached = Dictionary(ranges.map { ($0.partition, $0.end) }) { first, _ in first }
        let oldest = now.microseconds - grace.components.seconds * 1_000_000
        var last: String?
        while true {
            let page: [StoredObject]
            do throws(StoreError) {
                page = try await raw.list(prefix: "raw/", after: last, limit: 1000)
            } catch {
                // Before the first object there is no folder either.
                return keys.isEmpty
                    ? report.unproven(.orphans, "raw/", "cannot be listed: \(error)")
                    : report.fault(.orphans, "raw/", "cannot be listed: \(error)")
            }
            guard let end = page.last else { return }
            last = end.key
            for object in page where !keys.contains(object.key) {
                judge(object, reached, oldest, into: &report)
            }
            report.checked(.orphans, Int64(page.count))
        }
    }

    private func judge(
        _ object: StoredObject, _ reached: [LedgerPartition: Int64], _ oldest: Int64,
        into report: inout VerificationReport
    ) {
        guard let name = RawObjectName(key: object.key) else {
            return report.fault(.orphans, object.key, "is not a raw object's name")
        }
        let partition = LedgerPartition(epoch: name.epoch, topic: name.topic, partition: name.partition)
        let hasPassed = reached[partition].map { name.start < $0 } ?? false
        if hasPassed, object.modified <= oldest {
            report.fault(.orphans, object.key, "is announced by nothing, and older than the grace; see 'pregao sweep'")
        } else {
            report.pending(.orphans)
        }
    }
}
