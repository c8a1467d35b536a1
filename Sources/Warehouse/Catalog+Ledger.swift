import Lake
import MarketData

extension Catalog {
    /// The newest snapshot's number: what the reads below take as `snapshot`, so that several agree.
    public func newestSnapshot() async throws(CatalogError) -> Int64 {
        let found = try await rows("SELECT id::BIGINT AS id FROM ducklake_current_snapshot('lake')")
        guard let row = found.first else {
            throw CatalogError(.corrupt, doing: "read the newest snapshot", cause: "there is none")
        }
        return try row.requiredInteger("id")
    }

    /// The catalog's sequence: the number of writing transactions.
    public func sequence(snapshot: Int64? = nil) async throws(CatalogError) -> Int64 {
        let found = try await rows("SELECT n FROM lake.pregao.turn", snapshot: snapshot)
        guard let row = found.first else {
            throw CatalogError(.corrupt, doing: "read the sequence", cause: "pregao.turn is empty")
        }
        return try row.requiredInteger("n")
    }

    /// How far the ledger reaches, by epoch, topic and partition.
    public func ranges(snapshot: Int64? = nil) async throws(CatalogError) -> [LedgerRange] {
        let query = "SELECT \(LedgerRange.columns) FROM lake.pregao.ranges ORDER BY epoch, topic, partition"
        return try await read(query, snapshot, LedgerRange.init(row:))
    }

    /// A page of the ledger's objects, by key.
    ///
    /// - Parameter after: the last key of the page before; nil starts.
    public func objects(after key: String? = nil, limit: Int, snapshot: Int64? = nil) async throws(CatalogError)
        -> [LedgerObject]
    {
        let page = """
            SELECT * FROM lake.pregao.objects \(key.map { "WHERE key > \(SQL.literal($0))" } ?? "")
            ORDER BY key LIMIT \(limit)
            """
        return try await objects(matching: page, snapshot: snapshot)
    }

    /// The objects that cover [start, end) of a partition, by where they start.
    public func objects(
        of partition: LedgerPartition, from start: Int64 = 0, to end: Int64 = .max, snapshot: Int64? = nil
    ) async throws(CatalogError) -> [LedgerObject] {
        let matching = """
            SELECT * FROM lake.pregao.objects WHERE epoch = \(SQL.literal(partition.epoch))
                AND topic = \(SQL.literal(partition.topic)) AND partition = \(partition.partition)
                AND end_offset > \(start) AND start_offset < \(end)
            """
        return try await objects(matching: matching, snapshot: snapshot).sorted {
            ($0.announcement.start, $0.announcement.key) < ($1.announcement.start, $1.announcement.key)
        }
    }

    /// The objects with these keys, by key.
    public func objects(withKeys keys: [String], snapshot: Int64? = nil) async throws(CatalogError) -> [LedgerObject] {
        let matching = "SELECT * FROM lake.pregao.objects WHERE key IN \(SQL.list(keys))"
        return try await objects(matching: matching, snapshot: snapshot)
    }

    /// - Parameter selection: a SELECT of whole rows of `objects`.
    func objects(matching selection: String, snapshot: Int64?) async throws(CatalogError) -> [LedgerObject] {
        let found = try await rows(
            """
            CREATE TEMP TABLE page AS \(selection);
            SELECT \(Announcement.DayContent.columns) FROM lake.pregao.object_days
            WHERE key IN (SELECT key FROM page) ORDER BY key, trading_day;
            SELECT \(LedgerObject.columns) FROM page LEFT JOIN (\(LedgerTables.expired)) USING (key) ORDER BY key;
            """, snapshot: snapshot)
        var days: [String: [Announcement.DayContent]] = [:]
        var objects: [LedgerObject] = []
        for row in found {
            let key = try row.requiredText("key")
            if row["day_rows"] != nil {
                days[key, default: []].append(try Announcement.DayContent(row: row))
            } else {
                objects.append(try LedgerObject(row: row, days: days[key] ?? []))
            }
        }
        return objects
    }

    /// The current version of each day that a model has published; of every model, where none is named.
    public func publications(of model: String? = nil, snapshot: Int64? = nil) async throws(CatalogError)
        -> [PublishedDay]
    {
        let filter = model.map { "WHERE model = \(SQL.literal($0))" } ?? ""
        let query = """
            SELECT \(PublishedDay.columns) FROM lake.pregao.publications \(filter) ORDER BY model, trading_day
            """
        return try await read(query, snapshot, PublishedDay.init(row:))
    }

    /// What the current version of a model's day was computed from, by name.
    public func publicationInputs(model: String, day: Day, snapshot: Int64? = nil) async throws(CatalogError)
        -> [PublicationInput]
    {
        let query = """
            SELECT input, sha256 FROM lake.pregao.publication_inputs
            WHERE model = \(SQL.literal(model)) AND trading_day = \(SQL.literal(day)) ORDER BY input
            """
        return try await read(query, snapshot) { row throws(CatalogError) in
            PublicationInput(name: try row.requiredText("input"), sha256: try row.requiredText("sha256"))
        }
    }

    /// The files that a table of the lake reads, each as often as it is in it.
    public func files(ofTable table: String, inSchema schema: String, snapshot: Int64? = nil)
        async throws(CatalogError) -> [String]
    {
        let query = """
            SELECT data_file FROM ducklake_list_files('lake', \(SQL.literal(table)), schema => \(SQL.literal(schema)))
            ORDER BY data_file
            """
        return try await read(query, snapshot) { row throws(CatalogError) in try row.requiredText("data_file") }
    }

    func read<Value>(
        _ query: String, _ snapshot: Int64?, _ decode: (Row) throws(CatalogError) -> Value
    ) async throws(CatalogError) -> [Value] {
        var values: [Value] = []
        for row in try await rows(query, snapshot: snapshot) { values.append(try decode(row)) }
        return values
    }
}
