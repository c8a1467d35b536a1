import Lake
import MarketData
import Warehouse

/// Finds raw objects that the ledger does not have: a crash leaves some, the sweep takes them after its grace, once the
/// ledger holds their ranges under other keys.
struct OrphanAudit {
    /// The epoch of the log at hand.
    let epoch: String
    /// What is announced there, and not yet in the catalog.
    let announced: Set<String>
    let raw: any ObjectStore
    let catalog: Catalog
    let snapshot: Int64
    let grace: Duration
    let now: Instant

    func audit(_ keys: Set<String>, into report: inout VerificationReport) async throws(CatalogError) {
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
            let unknown = page.filter { !keys.contains($0.key) }
            let past = unknown.filter { $0.modified <= oldest && !announced.contains($0.key) }
                .compactMap { RawObjectName(key: $0.key) }
            // Nothing is announced of a log any more that another has replaced. An object that only says from where on a
            // partition is read has no row, and is not announced before the partition's first message.
            let stranded = Set(past.filter { $0.epoch != epoch && !$0.isOfNoMessage }.map(\.key))
            let covered = try await catalog.coveredByOthers(past, snapshot: snapshot)
            for object in unknown {
                if RawObjectName(key: object.key) == nil {
                    report.fault(.orphans, object.key, "is not a raw object's name")
                } else if covered.contains(object.key) {
                    report.fault(
                        .orphans, object.key, "is announced by nothing, and older than the grace; see 'pregao sweep'")
                } else if stranded.contains(object.key) {
                    report.fault(
                        .orphans, object.key,
                        "is announced by nothing, is of another log, and may be all there is of its range")
                } else {
                    report.pending(.orphans)
                }
            }
            report.checked(.orphans, Int64(page.count))
        }
    }
}

extension RawObjectName {
    /// The day of a range without any message is 1970-01-01.
    fileprivate var isOfNoMessage: Bool { start == 0 && day.daysSinceEpoch == 0 }
}
