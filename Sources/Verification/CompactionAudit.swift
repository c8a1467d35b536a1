import Batch
import Lake
import MarketData
import Warehouse

/// Holds each compacted file against the raw objects in whose place the raw table reads it: the same rows, of objects
/// that are in the ledger, each in one file. With `--full` the two are compared row for row; objects that have expired
/// are read from backup.
struct CompactionAudit {
    let engine: DuckDB
    let raw: any ObjectStore
    let copies: BackupCopies
    let scope: VerificationScope

    func audit(_ files: [CompactedFile], _ objects: [LedgerObject], into report: inout VerificationReport) async {
        let registered = Dictionary(
            objects.filter { $0.status == .registered }.map { ($0.announcement.key, $0) }
        ) { first, _ in first }
        var seen: Set<String> = []
        for file in files {
            let inputs = file.inputs.compactMap { registered[$0] }
            for key in file.inputs where !seen.insert(key).inserted {
                report.fault(.rawTables, file.key, "holds the rows of \(key), as another compacted file does")
            }
            for key in file.inputs where registered[key]?.announcement.dataset != file.dataset {
                report.fault(.rawTables, file.key, "holds the rows of \(key), which the ledger does not have so")
            }
            let announced = inputs.map(\.announcement.rows).clampedSum()
            if announced != file.rows {
                report.fault(
                    .rawTables, file.key, "has \(file.rows) rows, where \(announced) were announced of its objects")
            }
            guard inputs.contains(where: scope.includes) else { continue }
            report.checked(.rawTables)
            if await auditBytes(of: file, into: &report), scope.full {
                await auditRows(of: file, inputs, into: &report)
            }
        }
    }

    /// - Returns: whether the file is there as it was made.
    private func auditBytes(of file: CompactedFile, into report: inout VerificationReport) async -> Bool {
        do throws(StoreError) {
            let size = try await raw.size(of: file.key)
            guard size == file.size else {
                let found = size.map { "has \($0) bytes" } ?? "is not there"
                report.fault(.rawTables, file.key, "\(found), where \(file.size) were written")
                return false
            }
            guard scope.full else { return true }
            let isSame = SHA256.hexadecimal(of: try await raw.read(file.key)) == file.sha256
            if !isSame { report.fault(.rawTables, file.key, "has other content than was written") }
            return isSame
        } catch {
            report.fault(.rawTables, file.key, "cannot be read: \(error)")
            return false
        }
    }

    private func auditRows(
        of file: CompactedFile, _ inputs: [LedgerObject], into report: inout VerificationReport
    ) async {
        guard let dataset = Datasets.named(file.dataset) else { return }
        do {
            let rows = try await copies.with(inputs.filter(\.isExpired).map(\.announcement.key)) { copied in
                let locations = inputs.map { copied[$0.announcement.key] ?? $0.location }
                return try await engine.run(
                    CompactionScript(dataset: dataset, locations: locations).differences(from: file.location),
                    doing: "compare \(file.key) with its objects")
            }
            let lost = rows.first?.integer("lost") ?? 0
            let added = rows.first?.integer("added") ?? 0
            guard lost > 0 || added > 0 else { return }
            report.fault(
                .rawTables, file.key, "lacks \(lost) rows of its objects, and has \(added) that are in none of them")
        } catch {
            report.fault(.rawTables, file.key, "cannot be compared with its objects: \(error)")
        }
    }
}
