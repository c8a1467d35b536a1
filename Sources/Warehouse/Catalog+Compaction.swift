import Lake
import MarketData

/// Raw objects of one dataset that were flushed on one day and that the raw table still reads one by one.
public struct CompactableDay: Hashable, Sendable {
    public let dataset: String
    /// The day in the objects' names: that of the first message's time in the log, in UTC.
    public let day: Day
    public let objects: Int64

    public init(dataset: String, day: Day, objects: Int64) {
        self.dataset = dataset
        self.day = day
        self.objects = objects
    }
}

/// A large file that the raw table reads in place of the raw objects whose rows it holds.
public struct CompactedFile: Hashable, Sendable {
    public let key: String
    /// How the engine names it: an absolute path or a URI. Written once, never changed.
    public let location: String
    public let dataset: String
    public let day: Day
    public let rows: Int64
    public let size: Int64
    public let sha256: String
    /// The raw objects' keys, in order.
    public let inputs: [String]

    public init(
        key: String, location: String, dataset: String, day: Day, rows: Int64, size: Int64, sha256: String,
        inputs: [String]
    ) {
        self.key = key
        self.location = location
        self.dataset = dataset
        self.day = day
        self.rows = rows
        self.size = size
        self.sha256 = sha256
        self.inputs = inputs
    }
}

public enum CompactionOutcome: Hashable, Sendable {
    case swapped
    /// Another process has compacted one of the objects since; nothing was done.
    case discarded
}

extension Catalog {
    /// The days up to `last` of which a raw table reads more than one object, each by itself.
    public func compactableDays(upTo last: Day) async throws(CatalogError) -> [CompactableDay] {
        let query = """
            SELECT dataset, day::DATE AS day, count(*) AS n FROM (
                SELECT dataset, \(Self.dayOfKey) AS day FROM lake.pregao.objects
                ANTI JOIN lake.pregao.compaction_inputs USING (key) WHERE status = 'registered'
            ) WHERE day <> '' AND day <= \(SQL.literal("\(last)")) GROUP BY ALL HAVING n > 1 ORDER BY day, dataset
            """
        return try await rows(query).map { (row) throws(CatalogError) in
            CompactableDay(
                dataset: try row.requiredText("dataset"), day: try row.requiredDay("day"),
                objects: try row.requiredInteger("n"))
        }
    }

    /// The objects of such a day, by partition and range.
    public func objects(toCompact day: CompactableDay) async throws(CatalogError) -> [LedgerObject] {
        let prefix = "raw/\(day.dataset)/dt=\(day.day)/"
        let matching = """
            SELECT * FROM lake.pregao.objects ANTI JOIN lake.pregao.compaction_inputs USING (key)
            WHERE status = 'registered' AND starts_with(key, \(SQL.literal(prefix)))
            """
        return try await objects(matching: matching, snapshot: nil).sorted {
            let (left, right) = ($0.announcement, $1.announcement)
            return (left.epoch, left.topic, left.partition, left.start)
                < (right.epoch, right.topic, right.partition, right.start)
        }
    }

    /// Has the raw table read a compacted file in place of its inputs, in one transaction, after a look that these give
    /// as many rows as the file. The inputs stay where they are, and in the ledger.
    ///
    /// - Throws: also where an input is of a newer version of the dataset than this program's: the file was made without
    ///   the newer columns.
    public func compact(_ file: CompactedFile) async throws(CatalogError) -> CompactionOutcome {
        let doing = "compact \(file.inputs.count) objects of \(file.dataset) of \(file.day)"
        guard let dataset = schema.all[file.dataset], !SQL.hasWildcard(file.location) else {
            throw CatalogError(.refused, doing: doing, cause: "unknown dataset, or a wildcard in \(file.location)")
        }
        return try await transaction(doing) { transaction throws(CatalogError) in
            guard let inputs = try transaction.inputs(of: file, in: dataset, doing) else { return .abandon(.discarded) }
            try transaction.swap(inputs, by: file, in: dataset, doing)
            return .commit(.swapped)
        }
    }

    /// Every compacted file, by key.
    public func compactedFiles(snapshot: Int64? = nil) async throws(CatalogError) -> [CompactedFile] {
        try await compactedFiles(among: "SELECT file FROM lake.pregao.compactions", snapshot: snapshot)
    }

    /// - Parameter selection: a SELECT of the column `file`.
    func compactedFiles(among selection: String, snapshot: Int64? = nil) async throws(CatalogError) -> [CompactedFile] {
        let found = try await rows(
            """
            SELECT file, key FROM lake.pregao.compaction_inputs WHERE file IN (\(selection)) ORDER BY file, key;
            SELECT file, location, dataset, day, rows, size, sha256 FROM lake.pregao.compactions
            WHERE file IN (\(selection)) ORDER BY file;
            """, snapshot: snapshot)
        var inputs: [String: [String]] = [:]
        var files: [CompactedFile] = []
        for row in found {
            let file = try row.requiredText("file")
            if let key = row.text("key") {
                inputs[file, default: []].append(key)
            } else {
                files.append(
                    CompactedFile(
                        key: file, location: try row.requiredText("location"), dataset: try row.requiredText("dataset"),
                        day: try row.requiredDay("day"), rows: try row.requiredInteger("rows"),
                        size: try row.requiredInteger("size"), sha256: try row.requiredText("sha256"),
                        inputs: inputs[file] ?? []))
            }
        }
        return files
    }

    /// `dt=` in a raw object's name.
    private static let dayOfKey = "regexp_extract(key, '/dt=([0-9]{4}-[0-9]{2}-[0-9]{2})/', 1)"
}

/// The inputs of a compacted file, as the raw table reads them.
private struct SwappedInputs {
    /// How the engine names them.
    var locations: [String] = []
    /// Bounds of all their rows. DuckLake prunes by the statistics of columns and not by names: by names alone it would
    /// open every file of the table, and fail for one that is lost.
    var bounds = ""
}

extension Transaction {
    /// - Returns: nil where one of the inputs is no longer to be compacted.
    fileprivate mutating func inputs(of file: CompactedFile, in dataset: Dataset, _ doing: String)
        throws(CatalogError) -> SwappedInputs?
    {
        let keys = SQL.ledger("key", among: file.inputs)
        let rows = try run(
            """
            SELECT location, rows, schema_version FROM lake.pregao.objects ANTI JOIN
                lake.pregao.compaction_inputs USING (key)
            WHERE \(keys) AND \(SQL.ledger("status", among: ["registered"]))
                AND \(SQL.ledger("dataset", among: [file.dataset]))
            """)
        guard rows.count == file.inputs.count else { return nil }
        var inputs = SwappedInputs()
        var announced: Int64 = 0
        for row in rows {
            let version = try row.requiredInteger("schema_version")
            guard version <= dataset.version else {
                throw CatalogError(
                    .refused, doing: doing,
                    cause: "an object is of version \(version) of \(dataset.name), newer than this program's, "
                        + "\(dataset.version)")
            }
            inputs.locations.append(try row.requiredText("location"))
            announced += try row.requiredInteger("rows")
        }
        guard announced == file.rows else {
            throw CatalogError(
                .refused, doing: doing, cause: "\(announced) rows were announced, and the file has \(file.rows)")
        }
        inputs.bounds = try bounds(ofRowsIn: keys, doing)
        return inputs
    }

    /// Bounds of all rows of these registered objects, as a condition on their raw table.
    ///
    /// - Parameter keys: a condition on `objects`.
    mutating func bounds(ofRowsIn keys: String, _ doing: String) throws(CatalogError) -> String {
        let found = try run(
            """
            SELECT min(trading_day) AS first_day, max(trading_day) AS last_day, min(partition) AS low,
                max(partition) AS high, min(start_offset) AS first, max(end_offset) AS last
            FROM lake.pregao.objects JOIN lake.pregao.object_days USING (key) WHERE \(keys)
            """)
        guard let row = found.first else {
            throw CatalogError(.corrupt, doing: doing, cause: "the objects have no trading day")
        }
        return """
            trading_day >= \(SQL.literal(try row.requiredDay("first_day")))
            AND trading_day <= \(SQL.literal(try row.requiredDay("last_day")))
            AND _partition >= \(try row.requiredInteger("low")) AND _partition <= \(try row.requiredInteger("high"))
            AND _offset >= \(try row.requiredInteger("first")) AND _offset < \(try row.requiredInteger("last"))
            """
    }

    /// DuckLake lets go of a file whose every row is deleted, and writes no list of deleted rows.
    fileprivate mutating func swap(
        _ inputs: SwappedInputs, by file: CompactedFile, in dataset: Dataset, _ doing: String
    ) throws(CatalogError) {
        let which = "FROM \(dataset.rawTable) WHERE \(inputs.bounds) AND filename IN"
        let locations = inputs.locations
        let counted = try run("SELECT count(*) AS n \(which) \(SQL.list(locations))").first?.integer("n")
        guard counted == file.rows else {
            throw CatalogError(
                .refused, doing: doing,
                cause: "the raw table gives \(counted ?? 0) rows of the objects, where \(file.rows) were announced")
        }
        let added = try run(
            """
            DELETE \(which) \(SQL.list(locations));
            \(SQL.addFile(file.location, toTable: dataset.table, inSchema: "raw"))
            \(insertion(of: file))
            SELECT count(*) AS n \(which) \(SQL.list(locations + [file.location]));
            """)
        guard added.last?.integer("n") == file.rows else {
            throw CatalogError(.refused, doing: doing, cause: "the file gives other rows than the objects")
        }
    }

    /// Statements that write what a compacted file is and holds.
    func insertion(of file: CompactedFile) -> String {
        let inputs = file.inputs.map { "(\(SQL.literal(file.key)), \(SQL.literal($0)))" }
        let fields = [
            SQL.literal(file.key), SQL.literal(file.location), SQL.literal(file.dataset), SQL.literal(file.day),
            "\(file.rows)", "\(file.size)", SQL.literal(file.sha256), SQL.literal(now), "\(sequence)",
        ]
        return """
            INSERT INTO lake.pregao.compactions VALUES (\(fields.joined(separator: ", ")));
            INSERT INTO lake.pregao.compaction_inputs VALUES \(inputs.joined(separator: ", "));
            """
    }
}
