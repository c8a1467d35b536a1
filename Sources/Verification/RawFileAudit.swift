import Lake
import Warehouse

/// Looks into the raw files: how many rows they have and, with `--full`, which offsets.
struct RawFileAudit {
    let engine: DuckDB
    let raw: any ObjectStore
    let scope: VerificationScope
    let letters: RejectedMessages

    func audit(_ objects: [LedgerObject], into report: inout VerificationReport) async {
        // Some hundred paths make a statement of a size that the engine reads quickly.
        let width = 200
        for start in stride(from: 0, to: objects.count, by: width) {
            var present: [LedgerObject] = []
            for object in objects[start..<min(start + width, objects.count)] {
                // What is missing or of another size is the object audit's to tell.
                let size = try? await raw.size(of: object.announcement.key)
                if size == object.announcement.size { present.append(object) }
            }
            await look(into: present, &report)
        }
    }

    private func look(into objects: [LedgerObject], _ report: inout VerificationReport) async {
        guard let first = objects.first else { return }
        do throws(CatalogError) {
            var rows = try await engine.run(footers(of: objects), doing: "read the footers of raw objects")
            if scope.full { rows += try await engine.run(offsets(in: objects), doing: "read offsets of raw objects") }
            let byFile = Dictionary(objects.map { (raw.location(of: $0.announcement.key), $0.announcement) }) {
                first, _ in first
            }
            for row in rows {
                guard let announcement = row.text("file").flatMap({ byFile[$0] }) else { continue }
                check(row, announcement, into: &report)
            }
            if scope.full { try await auditRejected(objects, into: &report) }
        } catch {
            // One that cannot be read stops all; so each is looked at alone.
            guard objects.count == 1 else {
                for object in objects { await look(into: [object], &report) }
                return
            }
            report.fault(.objects, first.announcement.key, "the file cannot be read: \(error.cause)")
        }
    }

    private func list(_ objects: [LedgerObject]) -> String {
        objects.map { SQL.literal(raw.location(of: $0.announcement.key)) }.joined(separator: ", ")
    }

    private func footers(of objects: [LedgerObject]) -> String {
        "SELECT file_name AS file, num_rows AS rows FROM parquet_file_metadata([\(list(objects))]);"
    }

    private func offsets(in objects: [LedgerObject]) -> String {
        """
        SELECT filename AS file, count(*) AS read, count(DISTINCT _offset) AS offsets, min(_offset) AS low,
            max(_offset) AS high, min(_partition) AS low_partition, max(_partition) AS high_partition
        FROM read_parquet([\(list(objects))], filename = true, union_by_name = true, hive_partitioning = false)
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
    private func auditRejected(_ objects: [LedgerObject], into report: inout VerificationReport)
        async throws(CatalogError)
    {
        for object in objects where object.announcement.rejected > 0 && letters.covers(object.announcement) {
            let announcement = object.announcement
            // Where offsets have gaps, counts, letters and distinct offsets prove the same.
            guard letters.isEachOffsetAMessage else { continue }
            let rows = try await engine.run(
                """
                SELECT "range" AS missing FROM range(\(announcement.start), \(announcement.end))
                WHERE "range" NOT IN (SELECT _offset FROM read_parquet(\(SQL.literal(raw.location(of: announcement.key))),
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
