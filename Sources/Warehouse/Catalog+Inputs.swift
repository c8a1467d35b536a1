import Lake
import MarketData

/// What a run of a model reads, as one snapshot of the catalog has it.
public struct InputSnapshot: Hashable, Sendable {
    /// A raw object, by one of the days that it holds.
    public struct Object: Hashable, Sendable {
        /// `raw.quotes`
        public let source: String
        public let day: Day
        public let key: String
        /// Where its rows are read: of one that has expired in a compacted file, which holds others' rows too.
        public let location: String
        public let sha256: String
        public let schemaVersion: Int
        /// Its rows of that day.
        public let rows: Int64
        public let start: Int64
        /// The least and greatest time of those rows.
        public let first: Instant
        public let last: Instant
    }

    /// A day of which an object is refused: it is not to be published until the object is replayed.
    public struct RefusedDay: Hashable, Sendable {
        public let source: String
        public let day: Day
        public let key: String
        public let reason: String
    }

    /// The catalog's sequence: a publication clears the dirt up to here.
    public let sequence: Int64
    /// DuckLake's number of the snapshot, for ``Catalog/attachScript(readOnly:snapshot:)``.
    public let snapshot: Int64
    /// By source, day and key.
    public let objects: [Object]
    /// The current versions of the models among the sources, by name and day.
    public let publications: [PublishedDay]
    /// The model's own current versions.
    public let published: [Day: Int64]
    public let refused: [RefusedDay]
}

extension Catalog {
    /// Reads, in one snapshot, what a model's sources hold of these days, and which versions of them the model itself
    /// has published.
    public func inputs(for model: String, sources: [String], days: ClosedRange<Day>) async throws(CatalogError)
        -> InputSnapshot
    {
        // One process attaches once, and one transaction reads one snapshot.
        let query = """
            BEGIN;
            SELECT 'snapshot' AS part, id::BIGINT AS id, (SELECT n FROM lake.pregao.turn) AS n
            FROM ducklake_current_snapshot('lake');
            SELECT 'object' AS part, d.dataset, d.trading_day, d.key,
                coalesce(e.expired_into, o.location) AS location, o.sha256, o.schema_version, d.rows,
                o.start_offset, o.status, o.reason, epoch_us(d.first_time) AS first_time,
                epoch_us(d.last_time) AS last_time
            FROM lake.pregao.object_days d JOIN lake.pregao.objects o USING (key)
            LEFT JOIN (\(LedgerTables.expired)) e USING (key)
            WHERE 'raw.' || replace(d.dataset, '-', '_') IN \(SQL.list(sources))
                AND d.trading_day BETWEEN \(SQL.literal(days.lowerBound)) AND \(SQL.literal(days.upperBound))
            ORDER BY d.dataset, d.trading_day, d.key;
            SELECT 'publication' AS part, \(PublishedDay.columns) FROM lake.pregao.publications
            WHERE model IN \(SQL.list(sources + [model]))
                AND trading_day BETWEEN \(SQL.literal(days.lowerBound)) AND \(SQL.literal(days.upperBound))
            ORDER BY model, trading_day;
            COMMIT;
            """
        var reading = InputReading(model: model, sources: Set(sources))
        for row in try await rows(query) { try reading.take(row) }
        return try reading.finished()
    }
}

/// Sorts the answer's rows into their places.
private struct InputReading {
    let model: String
    let sources: Set<String>
    var numbers: (sequence: Int64, snapshot: Int64)?
    var objects: [InputSnapshot.Object] = []
    var publications: [PublishedDay] = []
    var published: [Day: Int64] = [:]
    var refused: [InputSnapshot.RefusedDay] = []

    init(model: String, sources: Set<String>) {
        self.model = model
        self.sources = sources
    }

    mutating func take(_ row: Row) throws(CatalogError) {
        switch row.text("part") {
        case "snapshot": numbers = (try row.requiredInteger("n"), try row.requiredInteger("id"))
        case "object": try takeObject(row)
        case "publication":
            let publication = try PublishedDay(row: row)
            if publication.model == model { published[publication.day] = publication.version }
            if sources.contains(publication.model) { publications.append(publication) }
        default: break
        }
    }

    private mutating func takeObject(_ row: Row) throws(CatalogError) {
        let source = "raw.\(String(try row.requiredText("dataset").map { $0 == "-" ? "_" : $0 }))"
        let day = try row.requiredDay("trading_day")
        let key = try row.requiredText("key")
        switch LedgerStatus(rawValue: try row.requiredText("status")) {
        case .refused:
            refused.append(.init(source: source, day: day, key: key, reason: row.text("reason") ?? ""))
        case .registered:
            objects.append(
                .init(
                    source: source, day: day, key: key, location: try row.requiredText("location"),
                    sha256: try row.requiredText("sha256"),
                    schemaVersion: Int(try row.requiredInteger("schema_version")),
                    rows: try row.requiredInteger("rows"), start: try row.requiredInteger("start_offset"),
                    first: try row.requiredInstant(microseconds: "first_time"),
                    last: try row.requiredInstant(microseconds: "last_time")))
        case .empty, nil: break
        }
    }

    func finished() throws(CatalogError) -> InputSnapshot {
        guard let numbers else {
            throw CatalogError(.corrupt, doing: "read the inputs of \(model)", cause: "pregao.turn is empty")
        }
        return InputSnapshot(
            sequence: numbers.sequence, snapshot: numbers.snapshot, objects: objects, publications: publications,
            published: published, refused: refused)
    }
}
