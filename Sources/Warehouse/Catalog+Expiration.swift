import JSON
import Lake
import MarketData

/// Which compacted files' objects may expire.
public struct ExpirationLimits: Hashable, Sendable {
    /// Files that were compacted later keep their objects.
    public let compactedUntil: Instant
    /// The newest day that is over.
    public let lastDay: Day

    public init(compactedUntil: Instant, lastDay: Day) {
        self.compactedUntil = compactedUntil
        self.lastDay = lastDay
    }
}

/// A compacted file whose objects have expired: what reads them reads the file.
public struct Expiration: Hashable, Sendable {
    public let file: CompactedFile
    public let expiredAt: Instant
    /// When the objects had been removed from raw; nil until then.
    public let removedAt: Instant?
}

public enum ExpirationOutcome: Hashable, Sendable {
    case expired
    /// They had expired before; nothing was done.
    case already
    /// Nothing was done.
    case kept(reason: String)
}

extension Catalog {
    /// The compacted files whose objects are old enough to expire, the oldest day first, each with what keeps them all
    /// the same.
    public func expirable(_ limits: ExpirationLimits) async throws(CatalogError) -> [(CompactedFile, obstacle: String?)]
    {
        let due = """
            SELECT file FROM lake.pregao.compactions ANTI JOIN lake.pregao.expirations USING (file)
            WHERE compacted_at <= \(SQL.literal(limits.compactedUntil)) AND day <= \(SQL.literal(limits.lastDay))
            """
        let obstacles = try await obstacles(ofFiles: due, limits)
        return try await compactedFiles(among: due).map { ($0, obstacles[$0.key]) }
    }

    /// The files whose objects had expired by that time and are not yet removed, each with what keeps them.
    public func removable(expiredUntil time: Instant, _ limits: ExpirationLimits) async throws(CatalogError)
        -> [(CompactedFile, obstacle: String?)]
    {
        let due = """
            SELECT file FROM lake.pregao.expirations
            WHERE removed_at IS NULL AND expired_at <= \(SQL.literal(time))
            """
        let obstacles = try await obstacles(ofFiles: due, limits)
        return try await compactedFiles(among: due).map { ($0, obstacles[$0.key]) }
    }

    /// Has everything read a compacted file in place of its objects, after a look, in the same transaction, at all that
    /// the catalog knows of them.
    ///
    /// Whether file and backups are there is for the caller to know.
    public func expire(_ file: CompactedFile, _ limits: ExpirationLimits) async throws(CatalogError)
        -> ExpirationOutcome
    {
        let dataset = schema.all[file.dataset]
        return try await transaction("expire the objects of \(file.key)") { transaction throws(CatalogError) in
            guard try !transaction.isExpired(file) else { return .abandon(.already) }
            if let reason = try transaction.obstacle(toExpiring: file, of: dataset, limits) {
                return .abandon(.kept(reason: reason))
            }
            try transaction.insertExpiration(of: file)
            return .commit(.expired)
        }
    }

    /// Notes that the objects of an expired file have been removed from raw.
    public func recordRemoval(ofObjectsIn file: CompactedFile) async throws(CatalogError) {
        let which = "file = \(SQL.literal(file.key)) AND removed_at IS NULL"
        try await transaction("note that the objects of \(file.key) are removed") { transaction throws(CatalogError) in
            let rows = try transaction.run("SELECT file FROM lake.pregao.expirations WHERE \(which)")
            guard !rows.isEmpty else { return .abandon(()) }
            let time = SQL.literal(transaction.now)
            try transaction.run("UPDATE lake.pregao.expirations SET removed_at = \(time) WHERE \(which)")
            return .commit(())
        }
    }

    /// Every file whose objects have expired, by key.
    public func expirations(snapshot: Int64? = nil) async throws(CatalogError) -> [Expiration] {
        let files = try await compactedFiles(among: "SELECT file FROM lake.pregao.expirations", snapshot: snapshot)
        let rows = try await rows(
            """
            SELECT file, epoch_us(expired_at) AS expired_at, epoch_us(removed_at) AS removed_at
            FROM lake.pregao.expirations
            """, snapshot: snapshot)
        var times: [String: (Instant, Instant?)] = [:]
        for row in rows {
            times[try row.requiredText("file")] = (
                try row.requiredInstant(microseconds: "expired_at"), row.instant(microseconds: "removed_at")
            )
        }
        return files.compactMap { file in
            times[file.key].map { Expiration(file: file, expiredAt: $0, removedAt: $1) }
        }
    }

    /// By file, one thing that keeps its objects.
    private func obstacles(ofFiles selection: String, _ limits: ExpirationLimits) async throws(CatalogError)
        -> [String: String]
    {
        var obstacles: [String: String] = [:]
        for row in try await rows(ExpirationObstacles.query(ofFiles: selection, limits)) {
            obstacles[try row.requiredText("file")] = try row.requiredText("reason")
        }
        return obstacles
    }
}

extension Transaction {
    fileprivate mutating func isExpired(_ file: CompactedFile) throws(CatalogError) -> Bool {
        try !run("SELECT file FROM lake.pregao.expirations WHERE file = \(SQL.literal(file.key))").isEmpty
    }

    /// - Parameter dataset: nil where the program does not know it.
    fileprivate mutating func obstacle(
        toExpiring file: CompactedFile, of dataset: Dataset?, _ limits: ExpirationLimits
    ) throws(CatalogError) -> String? {
        let key = SQL.literal(file.key)
        let rows = try run(
            """
            SELECT location, size, sha256, rows, compacted_at <= \(SQL.literal(limits.compactedUntil))
                AND day <= \(SQL.literal(limits.lastDay)) AS is_due
            FROM lake.pregao.compactions WHERE file = \(key)
            """)
        guard let dataset, let row = rows.first, rows.count == 1, row.text("location") == file.location,
            row.integer("size") == file.size, row.text("sha256") == file.sha256, row.integer("rows") == file.rows
        else { return "the catalog does not have the file so" }
        guard row["is_due"]?.bool == true else { return "it was compacted too short a time ago" }
        if let reason = try inputsFault(of: file) { return reason }
        guard try rowsRead(from: file, in: dataset) == file.rows else {
            return "the raw table does not read all of its rows"
        }
        let obstacles = try run(ExpirationObstacles.query(ofFiles: "SELECT \(key) AS file", limits))
        return try obstacles.first.map { (row) throws(CatalogError) in try row.requiredText("reason") }
    }

    /// How many of the raw table's rows are the compacted file's. By the file's name alone the engine would open every
    /// file of the table.
    mutating func rowsRead(from file: CompactedFile, in dataset: Dataset) throws(CatalogError) -> Int64? {
        let bounds = try bounds(ofRowsIn: SQL.ledger("key", among: file.inputs), "count the rows of \(file.key)")
        return try run(
            """
            SELECT count(*) AS n FROM \(dataset.rawTable)
            WHERE \(bounds) AND filename = \(SQL.literal(file.location))
            """
        ).first?.integer("n")
    }

    /// The file holds just these objects, all of them registered.
    mutating func inputsFault(of file: CompactedFile) throws(CatalogError) -> String? {
        let rows = try run(
            """
            SELECT key, coalesce(o.status, '') AS status, coalesce(o.dataset, '') AS dataset, coalesce(o.rows, 0) AS rows
            FROM lake.pregao.compaction_inputs LEFT JOIN lake.pregao.objects o USING (key)
            WHERE file = \(SQL.literal(file.key)) ORDER BY key
            """)
        guard rows.compactMap({ $0.text("key") }) == file.inputs.sorted() else {
            return "the catalog says that it holds other objects"
        }
        guard rows.allSatisfy({ $0.text("status") == LedgerStatus.registered.rawValue }),
            rows.allSatisfy({ $0.text("dataset") == file.dataset }),
            rows.compactMap({ $0.integer("rows") }).reduce(0, +) == file.rows
        else { return "the ledger does not have all of its objects so" }
        return nil
    }

    mutating func insertExpiration(of file: CompactedFile) throws(CatalogError) {
        try run(
            """
            INSERT INTO lake.pregao.expirations VALUES
                (\(SQL.literal(file.key)), \(SQL.literal(now)), NULL, \(sequence))
            """)
    }
}

/// What keeps the objects of compacted files, as far as the catalog knows.
private enum ExpirationObstacles {
    /// A query of a `reason` for each `file` that has one.
    ///
    /// - Parameter selection: a SELECT of the column `file`.
    static func query(ofFiles selection: String, _ limits: ExpirationLimits) -> String {
        """
        WITH due AS (\(selection)),
        held AS (
            SELECT DISTINCT file, dataset, trading_day, 'raw.' || replace(dataset, '-', '_') AS source
            FROM due JOIN lake.pregao.compaction_inputs USING (file) JOIN lake.pregao.object_days USING (key)
        ),
        reaches AS (SELECT model, max(reach_days) AS reach FROM lake.pregao.models GROUP BY model),
        dirty AS (
            SELECT model, trading_day, trading_day - coalesce(reach, 0) AS first_day
            FROM lake.pregao.dirt LEFT JOIN reaches USING (model)
        ),
        failed AS (
            SELECT f.model, f.trading_day, f.trading_day - coalesce(reach, 0) AS first_day
            FROM lake.pregao.failed_runs f LEFT JOIN reaches r ON r.model = f.model
            LEFT JOIN lake.pregao.publications p ON p.model = f.model AND p.trading_day = f.trading_day
            WHERE p.published_at IS NULL OR p.published_at <= f.failed_at
        ),
        found AS (
            SELECT file, trading_day || ' is not over' AS reason FROM held
            WHERE trading_day > \(SQL.literal(limits.lastDay))
            UNION ALL
            SELECT file, d.model || ' is dirty on ' || d.trading_day
            FROM held JOIN dirty d ON held.trading_day BETWEEN d.first_day AND d.trading_day
            UNION ALL
            SELECT file, f.model || ' has failed on ' || f.trading_day
            FROM held JOIN failed f ON held.trading_day BETWEEN f.first_day AND f.trading_day
            UNION ALL
            SELECT file, m.model || ' has not published ' || held.trading_day
            FROM held JOIN lake.pregao.models m USING (source)
            LEFT JOIN lake.pregao.publications p ON p.model = m.model AND p.trading_day = held.trading_day
            WHERE p.model IS NULL
            UNION ALL
            SELECT file, o.key || ' is refused'
            FROM held JOIN lake.pregao.object_days d USING (dataset, trading_day)
            JOIN lake.pregao.objects o ON o.key = d.key
            WHERE o.status = \(SQL.literal(LedgerStatus.refused.rawValue))
        )
        SELECT file, min(reason) AS reason FROM found GROUP BY file ORDER BY file
        """
    }
}
