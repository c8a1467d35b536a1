import Foundation
import Lake
import MarketData
import Runtime
import Warehouse

/// A catalog with very many registered objects.
///
/// The first day is registered by ``Catalog/register(_:)``. Each later day is that one moved on: its files are written
/// like any other, the ledger's rows are inserted through the engine, and DuckLake's rows of files and their columns'
/// statistics are copied from the first day's, with the files' own names, sizes, times and offsets, in place of
/// `ducklake_add_data_files`, which reads every file and would take hours.
struct ManyObjects {
    let folder: String
    let server: PostgresServer?
    let engine: DuckDB
    let catalog: Catalog
    let files: RawFiles
    let days: Int

    /// Where DuckLake's own tables are.
    private var tables: String { "__ducklake_metadata_lake" + (server.map { ".\($0.schema)" } ?? "") }

    init(folder: String, server: PostgresServer?, objects: Int, days: Int) throws {
        self.folder = folder
        self.server = server
        self.days = days
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
        let first = try files.write(0)
        for start in stride(from: 0, to: first.count, by: 1000) {
            let outcomes = try await catalog.register(first[start..<min(start + 1000, first.count)].map(registration))
            guard outcomes.allSatisfy({ $0 == .registered }) else { throw Missed("\(outcomes)") }
        }
        for number in 1..<days { try await insert(number) }
    }

    /// A file more, of the day after the last.
    func next(_ count: Int) throws -> [Registration] {
        try files.write(days).prefix(count).map(registration)
    }

    private func registration(_ file: WrittenFile) -> Registration {
        Registration(announcement: files.announcement(of: file), location: "\(files.root)/\(file.key)")
    }

    private func insert(_ number: Int) async throws {
        let written = try files.write(number)
        let list = "\(folder)/day.csv"
        let lines = written.enumerated().map { index, file in
            "\(index),\(file.key),\(file.size),\(file.footer),\(file.sha256),\(file.partition),\(file.start),"
                + "\(file.content.first.microseconds),\(file.content.last.microseconds)"
        }
        try (["i,key,size,footer,sha256,p,first_offset,first_time,last_time"] + lines).joined(separator: "\n")
            .write(toFile: list, atomically: false, encoding: .utf8)
        let day = RawFiles.first.adding(days: number)
        let source = "read_csv('\(list)', header = true, all_varchar = false)"
        _ = try await engine.run(
            catalog.attachScript(readOnly: false) + """
                BEGIN;
                UPDATE lake.pregao.turn SET n = n + 1;
                INSERT INTO lake.pregao.objects SELECT key, 'lake', '\(files.root)/' || key, 'quotes',
                    \(Datasets.quotes.version), 'benchmar', 'pregao.quotes', p, first_offset,
                    first_offset + \(RawFiles.rows), \(RawFiles.rows), 0, size, sha256, 'registered', NULL,
                    make_timestamptz(first_time), make_timestamptz(last_time), \(number) FROM \(source);
                INSERT INTO lake.pregao.object_days SELECT key, 'quotes', \(SQL.literal(day)), \(RawFiles.rows),
                    make_timestamptz(first_time), make_timestamptz(last_time) FROM \(source);
                UPDATE lake.pregao.ranges SET end_offset = end_offset + \(files.offsetsPerDay);
                COMMIT;
                """, doing: "insert the ledger's rows")
        _ = try await engine.run(
            catalog.attachScript(readOnly: false) + copyingFiles(of: number, source), doing: "insert DuckLake's rows")
    }

    /// A snapshot more, in which the raw table has the day's files.
    private func copyingFiles(of number: Int, _ source: String) -> String {
        let count = files.perDay
        let rows = count * RawFiles.rows
        return """
            BEGIN;
            CREATE TEMP TABLE day AS FROM \(source);
            CREATE TEMP TABLE table_of AS SELECT table_id FROM \(tables).ducklake_table
                WHERE table_name = 'quotes' AND end_snapshot IS NULL;
            CREATE TEMP TABLE model AS SELECT *, row_number() OVER (ORDER BY data_file_id) - 1 AS i
                FROM \(tables).ducklake_data_file WHERE table_id = (FROM table_of) AND row_id_start < \(rows);
            CREATE TEMP TABLE last AS FROM \(tables).ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1;
            CREATE TEMP TABLE kind AS SELECT column_id, column_name FROM \(tables).ducklake_column
                WHERE table_id = (FROM table_of) AND end_snapshot IS NULL;
            CREATE TEMP TABLE statistics AS SELECT s.*, k.column_name, m.i
                FROM \(tables).ducklake_file_column_stats s JOIN model m USING (data_file_id) JOIN kind k USING (column_id);
            INSERT INTO \(tables).ducklake_data_file SELECT m.* EXCLUDE (i) REPLACE (
                    (SELECT next_file_id FROM last) + day.i AS data_file_id,
                    (SELECT snapshot_id + 1 FROM last) AS begin_snapshot, '\(files.root)/' || day.key AS path,
                    day.size AS file_size_bytes, day.footer AS footer_size,
                    m.row_id_start + \(number * rows) AS row_id_start)
                FROM model m JOIN day USING (i);
            INSERT INTO \(tables).ducklake_file_column_stats SELECT s.* EXCLUDE (column_name, i) REPLACE (
                    (SELECT next_file_id FROM last) + i AS data_file_id,
                    \(moved("min_value", number)) AS min_value, \(moved("max_value", number)) AS max_value)
                FROM statistics s;
            INSERT INTO \(tables).ducklake_snapshot SELECT * REPLACE (snapshot_id + 1 AS snapshot_id,
                next_file_id + \(count) AS next_file_id) FROM last;
            INSERT INTO \(tables).ducklake_snapshot_changes (snapshot_id, changes_made)
                SELECT snapshot_id + 1, 'inserted_into_table:' || (FROM table_of) FROM last;
            UPDATE \(tables).ducklake_table_stats SET record_count = record_count + \(rows),
                next_row_id = next_row_id + \(rows), file_size_bytes = file_size_bytes + (SELECT sum(size) FROM day)::BIGINT
                WHERE table_id = (FROM table_of);
            UPDATE \(tables).ducklake_table_column_stats SET max_value = (
                SELECT CASE WHEN column_name = '_offset' THEN max(m::BIGINT)::VARCHAR ELSE max(m) END FROM (
                    SELECT column_name, \(moved("max_value", number)) AS m FROM statistics
                    WHERE column_id = ducklake_table_column_stats.column_id) GROUP BY column_name)
                WHERE table_id = (FROM table_of) AND column_id IN (
                    SELECT column_id FROM kind
                    WHERE column_name IN ('observed_at', 'scheduled_at', 'trading_day', '_offset'));
            COMMIT;
            """
    }

    /// A statistic of the first day's, as it is so many days later.
    private func moved(_ value: String, _ number: Int) -> String {
        """
        CASE column_name
        WHEN 'observed_at' THEN (\(value)::TIMESTAMPTZ + INTERVAL \(number) DAY)::VARCHAR
        WHEN 'scheduled_at' THEN (\(value)::TIMESTAMPTZ + INTERVAL \(number) DAY)::VARCHAR
        WHEN 'trading_day' THEN (\(value)::DATE + \(number))::VARCHAR
        WHEN '_offset' THEN (\(value)::BIGINT + \(Int64(number) * files.offsetsPerDay))::VARCHAR
        ELSE \(value) END
        """
    }
}
