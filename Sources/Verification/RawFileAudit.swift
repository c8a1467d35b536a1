import Lake
import Warehouse

/// Looks into the raw files: how many rows they have and, with `--full`, which offsets. With `--full` those that have
/// expired are looked at in backup.
struct RawFileAudit {
    let engine: DuckDB
    let raw: any ObjectStore
    let copies: BackupCopies
    let scope: VerificationScope
    let letters: RejectedMessages

    func audit(_ all: [LedgerObject], into report: inout VerificationReport) async {
        if scope.full { await auditCopies(of: all.filter(\.isExpired), into: &report) }
        let objects = all.filter { !$0.isExpired }
        // Some hundred paths make a statement of a size that the engine reads quickly.
        let width = 200
        for start in stride(from: 0, to: objects.count, by: width) {
            var present: [LedgerObject] = []
            for object in objects[start..<min(start + width, objects.count)] {
                // What is missing or of another size is the object audit's to tell.
                let size = try? await raw.size(of: object.announcement.key)
                if size == object.announcement.size { present.append(object) }
            }
            await look(into: present, at: { raw.location(of: $0.key) }, &report)
        }
    }

    /// What has expired is copied from backup, some at a time, to be looked into.
    private func auditCopies(of objects: [LedgerObject], into report: inout VerificationReport) async {
        let width = 50
        for start in stride(from: 0, to: objects.count, by: width) {
            let slice = Array(objects[start..<min(start + width, objects.count)])
            do {
                report = try await copies.with(slice.map(\.announcement.key)) { [report] copied in
                    var found = report
                    let present = slice.filter { copied[$0.announcement.key] != nil }
                    await look(into: present, at: { copied[$0.key] ?? "" }, &found)
                    return found
                }
            } catch {
                report.fault(.backup, slice[0].announcement.key, "cannot be copied: \(error)")
            }
        }
    }

    private func look(
        into objects: [LedgerObject], at location: @Sendable (Announcement) -> String,
        _ report: inout VerificationReport
    ) async {
        guard let first = objects.first else { return }
        do throws(CatalogError) {
            var rows = try await engine.run(
                footers(of: objects.map { location($0.announcement) }), doing: "read the footers of raw objects")
            if scope.full {
                rows += try await engine.run(
                    offsets(in: objects.map { location($0.announcement) }), doing: "read offsets of raw objects")
            }
            let byFile = Dictionary(objects.map { (location($0.announcement), $0.announcement) }) {
                first, _ in first
            }
            for row in rows {
                guard let announcement = row.text("file").flatMap({ byFile[$0] }) else { continue }
                check(row, announcement, into: &report)
            }
            if scope.full { try await auditRejected(objects, at: location, into: &report) }
        } catch {
            // One that cannot be read stops all; so each is looked at alone.
            guard objects.count == 1 else {
                for object in objects { await look(into: [object], at: location, &report) }
                return
            }
            report.fault(.objects, first.announcement.key, "the file cannot be read: \(error.cause)")
        }
    }

    private func list(_ files: [String]) -> String { files.map { SQL.literal($0) }.joined(separator: ", ") }

    private func footers(of files: [String]) -> String {
        "SELECT file_name AS file, num_rows AS rows FROM parquet_file_metadata([\(list(files))]);"
    }

    private func offsets(in files: [String]) -> String {
        """
        SELECT filename AS file, count(*) AS read, count(DISTINCT _offset) AS offsets, min(_offset) AS low,
            max(_offset) AS high, min(_partition) AS low_partition, max(_partition) AS high_partition
        FROM read_parquet([\(list(files))], filename = true, union_by_name = true, hive_partitioning = false)
        GROUP BY filename;
        """
    }

    private func check(_ row: Row, _ announcement: Announcement, into report: inout VerificationReport) {
        if let rows = row.integer("rows"), rows != announcement.rows {
            report.fault(
                .objects, announcement.key, "\(rows) rows in the file, where \(announcement.rows) were announced")
        }
        guard let count = row.integer("read"), let offsets = row.integer("offsets"), let low = row.integer("low"),
            let high = row.integer("high")
        else { return }
        if offsets != count { report.fault(.objects, announcement.key, "has \(count - offsets) offsets twice") }
        if low < announcement.start || high >= announcement.end {
            report.fault(.objects, announcement.key, "has offsets outside of its range, \(low) to \(high)")
        }
        if row.integer("low_partition") != Int64(announcement.partition)
            || row.integer("high_partition") != Int64(announcement.partition)
        {
            report.fault(.objects, announcement.key, "has rows of another partition")
        }
    }

    /// The offsets that a file lacks are those of its dead letters.
    private func auditRejected(
        _ objects: [LedgerObject], at location: @Sendable (Announcement) -> String,
        into report: inout VerificationReport
    ) async throws(CatalogError) {
        for object in objects where object.announcement.rejected > 0 && letters.covers(object.announcement) {
            let announcement = object.announcement
            // Where offsets have gaps, counts, letters and distinct offsets prove the same.
            guard letters.isEachOffsetAMessage else { continue }
            let rows = try await engine.run(
                """
                SELECT "range" AS missing FROM range(\(announcement.start), \(announcement.end))
                WHERE "range" NOT IN (SELECT _offset FROM read_parquet(\(SQL.literal(location(announcement))),
                    hive_partitioning = false))
                ORDER BY missing;
                """, doing: "read the offsets that \(announcement.key) lacks")
            let known = letters.offsets(of: announcement)
            for missing in rows.compactMap({ $0.integer("missing") }) where !known.contains(missing) {
                report.fault(.messages, announcement.key, "offset \(missing) is neither a row nor a dead letter")
            }
        }
    }
}
