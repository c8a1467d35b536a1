import Batch
import Lake
import MarketData
import Warehouse

/// Finds refined or compacted files that the catalog never took: a run died between placing its file and its
/// transaction, or was discarded. The sweep takes them after its grace.
///
/// Files that a later version of their day replaced are no fault, swept or not: each day of work leaves some.
struct UnpublishedFileAudit {
    let kind: RefinedSweep.Kind
    let store: any ObjectStore
    let catalog: Catalog
    let grace: Duration
    let now: Instant

    func audit(into report: inout VerificationReport) async throws(CatalogError) {
        let oldest = now.microseconds - grace.components.seconds * 1_000_000
        var last: String?
        while true {
            let page: [StoredObject]
            do throws(StoreError) {
                page = try await store.list(prefix: kind.prefix, after: last, limit: 2000)
            } catch {
                return report.unproven(.orphans, kind.prefix, "cannot be listed: \(error)")
            }
            guard let end = page.last else { return }
            last = end.key
            let files = page.filter { kind.isName($0.key) }
            // Asked after the listing: a file that was published meanwhile is known then.
            let taken = try await catalog.filesTaken(among: files.map(\.key))
            for file in files where !taken.contains(file.key) {
                if file.modified > oldest {
                    report.pending(.orphans)
                } else {
                    report.fault(
                        .orphans, file.key, "was never published, and is older than the grace; see 'pregao sweep'")
                }
            }
            report.checked(.orphans, Int64(files.count))
        }
    }
}
