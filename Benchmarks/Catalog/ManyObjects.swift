import Batch
import Foundation
import Lake
import MarketData
import Runtime
import Warehouse

/// A catalog with very many registered objects.
///
/// The first day's files are written by the flusher's encoder and added to the raw table by one call of
/// `ducklake_add_data_files`. Each later day is that one moved on: its files are links to the first day's, and DuckLake's
/// rows of files and of their columns' statistics are copies of the first day's, with names, times and offsets of its own.
/// To add a million files one by one would take hours, and leave the same rows. The ledger's rows of the first and the
/// last day are inserted, so that DuckLake knows their least and greatest values; those between are added beside them.
struct ManyObjects {
    let folder: String
    let engine: DuckDB
    let catalog: Catalog
    let files: RawFiles
    let days: Int
    /// Where DuckLake's own tables are.
    private let tables: String

    init(folder: String, server: PostgresServer?, objects: Int, days: Int) throws {
        self.folder = folder
        self.days = days
        tables = "__ducklake_metadata_lake" + (server.map { ".\($0.schema)" } ?? "")
        let location = try DuckDB.Location.discover()
        let environment = server?.environment ?? [:]
        engine = DuckDB(
            location: location, memoryLimit: 4 << 30, threads: 2, temporaryFolder: "\(folder)/tmp",
            environment: environment)
        catalog = Catalog(
            folder: "\(folder)/catalog", server: server,
            engine: DuckDB(location: location, temporaryFolder: "\(folder)/tmp", environment: environment),
            logger: Logger(component: "benchmark", minimum: .warning), metrics: Metrics(),
            patience: Patience(transaction: .seconds(3600)))
        files = RawFiles(root: "\(folder)/lake", perDay: objects / days)
    }

    func fill() async throws {
        try await catalog.open(datasets: Datasets.all, create: true)
        try await catalog.declare(try Models.bundled().declarations)
        let first = try files.write(0)
        let pattern = SQL.literal("\(files.root)/raw/quotes/dt=\(RawFiles.first)/*.parquet")
        try await run(
            """
            CALL ducklake_add_data_files('lake', 'quotes', \(pattern), schema => 'raw', allow_missing => true,
                hive_partitioning => false);
            """, "add the first day's files")
        try list(first, 0, appending: false)
        for number in 1..<days { try list(try files.link(first, daysLater: number), number, appending: true) }
        try await run(ledger(0), "insert the first day's rows of the ledger")
        try await copyLedger()
        if days > 1 { try await run(ledger(days - 1), "insert the last day's rows of the ledger") }
        try await run(ranges, "insert the ledger's ranges")
        try await run(copies, "copy DuckLake's rows")
    }

    /// Files more, of the day after the last.
    func next(_ count: Int) throws -> [Registration] {
        try files.write(days).prefix(count).map {
            Registration(announcement: files.announcement(of: $0), location: "\(files.root)/\($0.key)")
        }
    }

    private var listing: String { "\(folder)/files.csv" }
    private var source: String { "read_csv(\(SQL.literal(listing)), header = true)" }

    private func list(_ written: [WrittenFile], _ number: Int, appending: Bool) throws {
        var text = appending ? "" : "n,key,size,sha256,p,first_offset,first_time,last_time\n"
        for file in written {
            text +=
                "\(number),\(file.key),\(file.size),\(file.sha256),\(file.partition),\(file.start),"
                + "\(file.content.first.microseconds),\(file.content.last.microseconds)\n"
        }
        if !appending, !FileManager.default.createFile(atPath: listing, contents: nil) { throw Missed("no \(listing)") }
        guard let file = FileHandle(forWritingAtPath: listing) else { throw Missed("no \(listing)") }
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private func run(_ statements: String, _ doing: String) async throws {
        _ = try await engine.run(catalog.attachScript(readOnly: false) + statements, doing: doing)
    }

    private func ledger(_ number: Int) -> String {
        """
        BEGIN;
        UPDATE lake.pregao.turn SET n = n + 1;
        INSERT INTO lake.pregao.objects SELECT \(objectColumns) FROM \(source) WHERE n = \(number);
        INSERT INTO lake.pregao.object_days SELECT \(dayColumns) FROM \(source) WHERE n = \(number);
        COMMIT;
        """
    }

    /// The days between the first and the last, a few at a time.
    private func copyLedger() async throws {
        let width = max(1, 100_000 / files.perDay)
        for start in stride(from: 1, to: days - 1, by: width) {
            let listed = "\(source) WHERE n >= \(start) AND n < \(min(start + width, days - 1))"
            try await addInlined(to: "objects", "SELECT \(objectColumns) FROM \(listed)")
            try await addInlined(to: "object_days", "SELECT \(dayColumns) FROM \(listed)")
        }
    }

    private var objectColumns: String {
        """
        key, 'lake', '\(files.root)/' || key, 'quotes', \(Datasets.quotes.version), 'benchmar', 'pregao.quotes', p,
        first_offset, first_offset + \(RawFiles.rows), \(RawFiles.rows), 0, size, sha256, 'registered', NULL,
        make_timestamptz(first_time), make_timestamptz(last_time), 1
        """
    }

    private var dayColumns: String {
        """
        key, 'quotes', DATE '\(RawFiles.first)' + n::INTEGER, \(RawFiles.rows),
        make_timestamptz(first_time), make_timestamptz(last_time)
        """
    }

    /// Puts rows where DuckLake keeps a ledger table's own rows, as if they had come with its first ones. DuckLake would
    /// make one statement of all the rows' text, which takes a minute for 50,000 of them.
    private func addInlined(to table: String, _ rows: String) async throws {
        let found = try await engine.run(
            catalog.attachScript()
                + """
                SELECT i.table_name AS name, t.table_id AS id FROM \(tables).ducklake_inlined_data_tables i
                JOIN \(tables).ducklake_table t USING (table_id)
                WHERE t.table_name = '\(table)' AND t.end_snapshot IS NULL ORDER BY i.schema_version DESC LIMIT 1;
                """)
        guard let name = found.first?.text("name"), let id = found.first?.integer("id") else {
            throw Missed("no rows of \(table) are inlined")
        }
        // Text as DuckLake writes it, where the database has no type of its own for a column.
        try await run(
            """
            SET TimeZone = 'UTC';
            BEGIN;
            INSERT INTO \(tables).\(name) SELECT
                (SELECT next_row_id FROM \(tables).ducklake_table_stats WHERE table_id = \(id)) + row_number() OVER () - 1,
                (SELECT max(begin_snapshot) FROM \(tables).\(name)), NULL, added.* FROM (\(rows)) added;
            UPDATE \(tables).ducklake_table_stats SET
                record_count = (SELECT count(*) FROM \(tables).\(name)),
                next_row_id = (SELECT max(row_id) + 1 FROM \(tables).\(name)) WHERE table_id = \(id);
            COMMIT;
            """, "add the ledger's rows of \(table)")
    }

    private var ranges: String {
        """
        INSERT INTO lake.pregao.ranges SELECT 'benchmar', 'pregao.quotes', p, min(first_offset),
                max(first_offset) + \(RawFiles.rows) FROM \(source) GROUP BY p;
        """
    }

    /// A snapshot more, in which the raw table has the later days' files.
    private var copies: String {
        let count = files.perDay
        let rows = count * RawFiles.rows
        return """
            BEGIN;
            CREATE TEMP TABLE listed AS SELECT n, key, p, first_offset - n * \(files.offsetsPerDay) AS o
                FROM \(source) WHERE n > 0;
            CREATE TEMP TABLE table_of AS SELECT table_id FROM \(tables).ducklake_table
                WHERE table_name = 'quotes' AND end_snapshot IS NULL;
            CREATE TEMP TABLE named AS SELECT key AS k, p, first_offset AS o FROM \(source) WHERE n = 0;
            CREATE TEMP TABLE model AS SELECT f.*, p, o, row_number() OVER (ORDER BY data_file_id) - 1 AS i
                FROM \(tables).ducklake_data_file f JOIN named ON path = '\(files.root)/' || k;
            CREATE TEMP TABLE last AS FROM \(tables).ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1;
            CREATE TEMP TABLE kind AS SELECT column_id, column_name FROM \(tables).ducklake_column
                WHERE table_id = (FROM table_of) AND end_snapshot IS NULL;
            CREATE TEMP TABLE statistics AS SELECT s.*, k.column_name, m.i
                FROM \(tables).ducklake_file_column_stats s JOIN model m USING (data_file_id) JOIN kind k USING (column_id);
            INSERT INTO \(tables).ducklake_data_file SELECT m.* EXCLUDE (i, p, o) REPLACE (
                    (SELECT next_file_id FROM last) + (n - 1) * \(count) + m.i AS data_file_id,
                    (SELECT snapshot_id + 1 FROM last) AS begin_snapshot, '\(files.root)/' || listed.key AS path,
                    m.row_id_start + n * \(rows) AS row_id_start)
                FROM model m JOIN listed USING (p, o);
            INSERT INTO \(tables).ducklake_file_column_stats SELECT s.* EXCLUDE (column_name, i) REPLACE (
                    (SELECT next_file_id FROM last) + (n - 1) * \(count) + i AS data_file_id,
                    \(moved("min_value")) AS min_value, \(moved("max_value")) AS max_value)
                FROM statistics s, range(1, \(days)) later(n);
            INSERT INTO \(tables).ducklake_snapshot SELECT * REPLACE (snapshot_id + 1 AS snapshot_id,
                next_file_id + \(count * (days - 1)) AS next_file_id) FROM last;
            INSERT INTO \(tables).ducklake_snapshot_changes (snapshot_id, changes_made)
                SELECT snapshot_id + 1, 'inserted_into_table:' || (FROM table_of) FROM last;
            UPDATE \(tables).ducklake_table_stats SET record_count = record_count * \(days),
                next_row_id = next_row_id * \(days), file_size_bytes = file_size_bytes * \(days)
                WHERE table_id = (FROM table_of);
            CREATE TEMP TABLE greatest AS SELECT column_id, CASE WHEN column_name = '_offset'
                    THEN max(TRY_CAST(m AS BIGINT))::VARCHAR ELSE max(m) END AS m
                FROM (SELECT column_id, column_name, \(moved("max_value")) AS m
                    FROM statistics, (SELECT \(days - 1) AS n)
                    WHERE column_name IN ('observed_at', 'scheduled_at', 'trading_day', '_offset'))
                GROUP BY column_id, column_name;
            UPDATE \(tables).ducklake_table_column_stats SET max_value = (
                SELECT m FROM greatest g WHERE g.column_id = ducklake_table_column_stats.column_id)
                WHERE table_id = (FROM table_of) AND column_id IN (SELECT column_id FROM greatest);
            COMMIT;
            """
    }

    /// Gives the days from `compacted` on what a compaction would leave of them: a file a day, a link to the first day's,
    /// in place of the raw objects.
    func copyCompaction(of first: CompactedFile, to compacted: Int) async throws {
        guard compacted < days else { return }
        for number in compacted..<days {
            let folder = "\(files.root)/compacted/quotes/dt=\(RawFiles.first.adding(days: number))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            guard Foundation.link(first.location, "\(folder)/copy.parquet") == 0 else { throw Missed("no link") }
        }
        let rows = files.perDay * RawFiles.rows
        let key = "'compacted/quotes/dt=' || (DATE '\(RawFiles.first)' + n::INTEGER) || '/copy.parquet'"
        try await run(
            """
            BEGIN;
            CREATE TEMP TABLE last AS FROM \(tables).ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1;
            CREATE TEMP TABLE model AS SELECT f.*, next_row_id FROM \(tables).ducklake_data_file f
                JOIN \(tables).ducklake_table_stats USING (table_id) WHERE path = \(SQL.literal(first.location));
            CREATE TEMP TABLE later AS SELECT n FROM range(\(compacted), \(days)) later(n);
            CREATE TEMP TABLE statistics AS SELECT s.*, column_name FROM \(tables).ducklake_file_column_stats s
                JOIN model USING (data_file_id) JOIN \(tables).ducklake_column c
                ON c.table_id = model.table_id AND c.column_id = s.column_id AND c.end_snapshot IS NULL;
            UPDATE \(tables).ducklake_data_file SET end_snapshot = (SELECT snapshot_id + 1 FROM last)
                WHERE table_id = (SELECT table_id FROM model) AND end_snapshot IS NULL
                    AND row_id_start >= \(compacted * rows) AND row_id_start < \(days * rows);
            INSERT INTO \(tables).ducklake_data_file SELECT m.* EXCLUDE (next_row_id) REPLACE (
                    (SELECT next_file_id FROM last) + n - \(compacted) AS data_file_id,
                    (SELECT snapshot_id + 1 FROM last) AS begin_snapshot, '\(files.root)/' || \(key) AS path,
                    next_row_id + (n - \(compacted)) * \(rows) AS row_id_start) FROM model m, later;
            INSERT INTO \(tables).ducklake_file_column_stats SELECT s.* EXCLUDE (column_name) REPLACE (
                    (SELECT next_file_id FROM last) + n - \(compacted) AS data_file_id,
                    \(moved("min_value")) AS min_value, \(moved("max_value")) AS max_value) FROM statistics s, later;
            INSERT INTO \(tables).ducklake_snapshot SELECT * REPLACE (snapshot_id + 1 AS snapshot_id,
                next_file_id + \(days - compacted) AS next_file_id) FROM last;
            INSERT INTO \(tables).ducklake_snapshot_changes (snapshot_id, changes_made)
                SELECT snapshot_id + 1, 'inserted_into_table:' || table_id || ',deleted_from_table:' || table_id
                FROM last, model;
            UPDATE \(tables).ducklake_table_stats SET next_row_id = next_row_id + \((days - compacted) * rows)
                WHERE table_id = (SELECT table_id FROM model);
            COMMIT;
            """, "copy DuckLake's rows of compacted files")
        try await run(
            """
            BEGIN;
            UPDATE lake.pregao.turn SET n = n + 1;
            INSERT INTO lake.pregao.compactions SELECT \(key), '\(files.root)/' || \(key), 'quotes',
                DATE '\(RawFiles.first)' + n::INTEGER, \(rows), \(first.size), \(SQL.literal(first.sha256)), now(), 1
                FROM range(\(compacted), \(days)) later(n);
            COMMIT;
            """, "insert the ledger's rows of compacted files")
        let inputs = "SELECT \(key), key FROM \(source)"
        try await addInlined(to: "compaction_inputs", "\(inputs) WHERE n >= \(compacted) AND n < \(days - 1)")
        try await run(
            "INSERT INTO lake.pregao.compaction_inputs \(inputs) WHERE n = \(days - 1);",
            "insert the last day's compacted objects")
    }

    /// A statistic of the first day's, as it is `n` days later.
    private func moved(_ value: String) -> String {
        """
        CASE column_name
        WHEN 'observed_at' THEN (\(value)::TIMESTAMPTZ + to_days(n::INTEGER))::VARCHAR
        WHEN 'scheduled_at' THEN (\(value)::TIMESTAMPTZ + to_days(n::INTEGER))::VARCHAR
        WHEN 'trading_day' THEN (\(value)::DATE + n::INTEGER)::VARCHAR
        WHEN '_offset' THEN (\(value)::BIGINT + n * \(files.offsetsPerDay))::VARCHAR
        ELSE \(value) END
        """
    }
}
