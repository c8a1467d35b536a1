import Lake
import MarketData

extension Transaction {
    /// Reads what the ledger holds of these objects and their partitions.
    mutating func plan(for announcements: [Announcement], datasets: [String: Dataset]) throws(CatalogError)
        -> RegistrationPlan
    {
        let keys = SQL.list(announcements.map(\.key))
        let topics = SQL.list(Set(announcements.map(\.topic)).sorted())
        // One exchange with the engine: rows of both, told apart by their columns.
        let rows = try run(
            """
            SELECT key, status FROM lake.pregao.objects WHERE key IN \(keys);
            SELECT \(LedgerRange.columns) FROM lake.pregao.ranges WHERE topic IN \(topics);
            """)
        var ranges: [LedgerPartition: Range<Int64>] = [:]
        var statuses: [String: LedgerStatus] = [:]
        for row in rows {
            if let key = row.text("key") {
                statuses[key] = LedgerStatus(rawValue: try row.requiredText("status"))
            } else {
                let range = try LedgerRange(row: row)
                ranges[range.partition] = range.start..<range.end
            }
        }
        let refused = statuses.filter { $0.value == .refused }.keys.sorted()
        return RegistrationPlan(
            statuses: statuses, ranges: ranges, contested: refused.isEmpty ? [] : try contested(refused),
            datasets: datasets)
    }

    private mutating func contested(_ keys: [String]) throws(CatalogError) -> Set<String> {
        let rows = try run(
            """
            SELECT DISTINCT mine.key FROM lake.pregao.objects mine JOIN lake.pregao.objects other
            USING (epoch, topic, partition)
            WHERE mine.key IN \(SQL.list(keys)) AND other.key <> mine.key AND other.status <> 'refused'
                AND other.start_offset < mine.end_offset AND other.end_offset > mine.start_offset
            """)
        var result: Set<String> = []
        for row in rows { result.insert(try row.requiredText("key")) }
        return result
    }

    mutating func write(_ ranges: [LedgerPartition: Range<Int64>]) throws(CatalogError) {
        guard !ranges.isEmpty else { return }
        let sorted = ranges.sorted { "\($0.key)" < "\($1.key)" }
        let partitions = sorted.map { partition, _ in
            "(\(SQL.literal(partition.epoch)), \(SQL.literal(partition.topic)), \(partition.partition))"
        }
        let values = sorted.map { partition, range in
            "(\(SQL.literal(partition.epoch)), \(SQL.literal(partition.topic)), \(partition.partition), "
                + "\(range.lowerBound), \(range.upperBound))"
        }
        try run(
            """
            DELETE FROM lake.pregao.ranges WHERE (epoch, topic, partition) IN (\(partitions.joined(separator: ", ")));
            INSERT INTO lake.pregao.ranges VALUES \(values.joined(separator: ", "));
            """)
    }

    /// - Parameter replaced: keys whose earlier rows, refusals, give way.
    mutating func write(_ registrations: [Registration], replacing replaced: [String]) throws(CatalogError) {
        if !replaced.isEmpty {
            try run(
                """
                DELETE FROM lake.pregao.objects WHERE key IN \(SQL.list(replaced));
                DELETE FROM lake.pregao.object_days WHERE key IN \(SQL.list(replaced));
                """)
        }
        try insert(
            registrations.map { registration in
                let status: LedgerStatus = registration.announcement.rows == 0 ? .empty : .registered
                return (registration, status, registration.announcement.emptyReason)
            })
    }

    mutating func writeRefused(_ announcement: Announcement, reason: String) throws(CatalogError) {
        try insert([(Registration(announcement: announcement, location: ""), .refused, reason)])
    }

    private mutating func insert(
        _ objects: [(registration: Registration, status: LedgerStatus, reason: String?)]
    ) throws(CatalogError) {
        let rows = objects.map { object in
            let it = object.registration.announcement
            let fields = [
                SQL.literal(it.key), SQL.literal(it.bucket), SQL.literal(object.registration.location),
                SQL.literal(it.dataset), "\(it.schemaVersion)", SQL.literal(it.epoch), SQL.literal(it.topic),
                "\(it.partition)", "\(it.start)", "\(it.end)", "\(it.rows)", "\(it.rejected)", "\(it.size)",
                SQL.literal(it.sha256), SQL.literal(object.status.rawValue), SQL.literal(object.reason),
                SQL.literal(it.announcedAt), SQL.literal(now), "\(sequence)",
            ]
            return "(\(fields.joined(separator: ", ")))"
        }
        let days = objects.map(\.registration.announcement).flatMap { announcement in
            announcement.days.map { day in
                "(\(SQL.literal(announcement.key)), \(SQL.literal(announcement.dataset)), \(SQL.literal(day.day)), "
                    + "\(day.rows), \(SQL.literal(day.first)), \(SQL.literal(day.last)))"
            }
        }
        var statements = "INSERT INTO lake.pregao.objects VALUES \(rows.joined(separator: ", "));"
        if !days.isEmpty {
            statements += "\nINSERT INTO lake.pregao.object_days VALUES \(days.joined(separator: ", "));"
        }
        try run(statements)
    }
}
