import Lake
import MarketData

extension Transaction {
    /// Reads what the ledger holds of these objects and their partitions.
    mutating func plan(for announcements: [Announcement], datasets: [String: Dataset]) throws(CatalogError)
        -> RegistrationPlan
    {
        let topics = SQL.ledger("topic", among: Set(announcements.map(\.topic)).sorted())
        var ranges: [LedgerPartition: Range<Int64>] = [:]
        for row in try run("SELECT \(LedgerRange.columns) FROM lake.pregao.ranges WHERE \(topics)") {
            let range = try LedgerRange(row: row)
            // A damaged ledger may have it run backwards, of which the verification tells.
            ranges[range.partition] = range.start..<max(range.start, range.end)
        }
        // Whatever the ledger holds of a partition, registered or refused, starts before the ledger's end there: what
        // goes on from the end need not be looked for among a million objects.
        let offered = announcements.filter { announcement in
            guard announcement.end > announcement.start else { return true }
            return ranges[announcement.ledgerPartition].map { announcement.start < $0.upperBound } ?? false
        }
        var statuses: [String: LedgerStatus] = [:]
        if !offered.isEmpty {
            let keys = SQL.ledger("key", among: offered.map(\.key))
            for row in try run("SELECT key, status FROM lake.pregao.objects WHERE \(keys)") {
                statuses[try row.requiredText("key")] = LedgerStatus(rawValue: try row.requiredText("status"))
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

    /// Writes what the plan decided: one exchange with the engine, however many objects there are.
    ///
    /// - Parameter files: the statements that add the objects' files.
    mutating func write(_ plan: RegistrationPlan, files: [String]) throws(CatalogError) {
        var statements: [String] = []
        if !plan.replayed.isEmpty {
            for table in ["objects", "object_days"] {
                statements.append("DELETE FROM lake.pregao.\(table) WHERE key IN \(SQL.list(plan.replayed));")
            }
        }
        statements += Self.statements(for: plan.ranges.filter { plan.changedRanges.contains($0.key) })
        statements += insertion(
            of: plan.accepted.map { registration in
                let status: LedgerStatus = registration.announcement.rows == 0 ? .empty : .registered
                return (registration, status, registration.announcement.emptyReason)
            })
        try run((statements + files).joined(separator: "\n"))
    }

    /// - Parameter ranges: those that the refusal changes.
    mutating func writeRefused(
        _ announcement: Announcement, reason: String, ranges: [LedgerPartition: Range<Int64>]
    ) throws(CatalogError) {
        let refused = Registration(announcement: announcement, location: "")
        let statements = Self.statements(for: ranges) + insertion(of: [(refused, .refused, reason)])
        try run(statements.joined(separator: "\n"))
    }

    private static func statements(for ranges: [LedgerPartition: Range<Int64>]) -> [String] {
        guard !ranges.isEmpty else { return [] }
        let sorted = ranges.sorted { "\($0.key)" < "\($1.key)" }
        let partitions = sorted.map { partition, _ in
            "(\(SQL.literal(partition.epoch)), \(SQL.literal(partition.topic)), \(partition.partition))"
        }
        let values = sorted.map { partition, range in
            "(\(SQL.literal(partition.epoch)), \(SQL.literal(partition.topic)), \(partition.partition), "
                + "\(range.lowerBound), \(range.upperBound))"
        }
        return [
            "DELETE FROM lake.pregao.ranges WHERE (epoch, topic, partition) IN (\(partitions.joined(separator: ", ")));",
            "INSERT INTO lake.pregao.ranges VALUES \(values.joined(separator: ", "));",
        ]
    }

    private func insertion(
        of objects: [(registration: Registration, status: LedgerStatus, reason: String?)]
    ) -> [String] {
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
        var statements = ["INSERT INTO lake.pregao.objects VALUES \(rows.joined(separator: ", "));"]
        if !days.isEmpty {
            statements.append("INSERT INTO lake.pregao.object_days VALUES \(days.joined(separator: ", "));")
        }
        return statements
    }
}
