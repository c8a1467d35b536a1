import Lake
import Warehouse

/// Holds what has expired against backup's ledger: a catalog that is made anew is to read the same files.
struct ExpirationAudit {
    let raw: any ObjectStore
    let backup: any ObjectStore

    func audit(_ expirations: [Expiration], into report: inout VerificationReport) async {
        report.checked(.backup, Int64(expirations.count))
        for expiration in expirations {
            let record = ExpirationRecord(of: expiration.file)
            do throws(StoreError) {
                let isThere = try await backup.size(of: record.key) != nil
                if isThere, try await backup.read(record.key) == record.json() { continue }
                report.fault(
                    .backup, record.key,
                    "the record of what has expired \(isThere ? "says other things" : "is missing"); "
                        + "see 'pregao restore --backup'")
            } catch {
                report.fault(.backup, record.key, "\(error)")
            }
        }
    }
}
