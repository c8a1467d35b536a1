import Foundation

/// Holds what the pipeline has against what the exchange served and what the log holds, in plain DuckDB: none of the
/// project's own SQL or readers is used for it.
///
/// It reads a folder of files, each a table: `journal.jsonl` as the exchange wrote it; `log.jsonl` and `log_gaps.jsonl`
/// with partition, offset and the message's value; `raw.csv`, `gaps.csv`, `minutes.csv` and `days.csv` as the catalog
/// shows its tables, times in microseconds; `files.csv` like raw.csv, from the Parquet files themselves.
struct Proof {
    struct Offence: Equatable, CustomStringConvertible {
        let check: String
        let count: Int
        let examples: String

        var description: String { "\(check): \(count), such as\n\(examples)" }
    }

    struct Report {
        let offences: [Offence]
        /// How much was looked at.
        let totals: String
    }

    let folder: URL

    func report() throws -> Report {
        let script = Self.tables + Self.checks.map(Self.statement).joined(separator: "\nUNION ALL\n") + ";\n"
        let rows = try JSONDecoder().decode([Row].self, from: try DuckDBShell.run(script, in: folder))
        let offences = rows.compactMap { row in
            row.count == 0 ? nil : Offence(check: row.check, count: row.count, examples: row.examples ?? "")
        }
        let totals = try DuckDBShell.run(Self.tables + Self.totals, in: folder)
        return Report(
            offences: offences,
            totals: String(decoding: totals, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private struct Row: Decodable {
        let check: String
        let count: Int
        let examples: String?
    }

    private static func statement(_ check: (name: String, offending: String)) -> String {
        """
        SELECT '\(check.name)' AS "check", (SELECT count(*) FROM (\(check.offending))) AS "count",
            (SELECT string_agg(CAST(t AS VARCHAR), chr(10)) FROM (SELECT * FROM (\(check.offending)) LIMIT 5) t)
                AS examples
        """
    }

    private static let quoteColumns = """
        columns={'feed': 'VARCHAR', 'symbol': 'VARCHAR', 'price_type': 'VARCHAR', 'price': 'DECIMAL(38,18)',
            'scheduled_at': 'BIGINT', 'poll_interval': 'BIGINT', 'observed_at': 'BIGINT', 'partition': 'INTEGER',
            'offset': 'BIGINT'}
        """

    private static let tables = """
        SET TimeZone = 'UTC';
        CREATE TABLE journal AS SELECT serial, time, symbol, fault,
            CASE series WHEN 'ticker' THEN 'coinbase-ticker' ELSE 'coinbase-spot' END AS feed,
            CASE series WHEN 'ticker' THEN 'trade' ELSE series END AS price_type,
            CAST(price AS DECIMAL(38,18)) AS price
            FROM read_json('journal.jsonl', format='newline_delimited', columns={'serial': 'UBIGINT',
                'time': 'BIGINT', 'symbol': 'VARCHAR', 'series': 'VARCHAR', 'fault': 'VARCHAR', 'price': 'VARCHAR'});
        CREATE TABLE served AS SELECT * FROM journal WHERE fault IS NULL AND price IS NOT NULL;
        CREATE TABLE raw AS SELECT * FROM read_csv('raw.csv', header=true, \(quoteColumns));
        CREATE TABLE files AS SELECT * FROM read_csv('files.csv', header=true, \(quoteColumns));
        CREATE TABLE gaps AS SELECT * FROM read_csv('gaps.csv', header=true, columns={'feed': 'VARCHAR',
            'symbol': 'VARCHAR', 'price_type': 'VARCHAR', 'from_time': 'BIGINT', 'to_time': 'BIGINT',
            'reason': 'VARCHAR', 'partition': 'INTEGER', 'offset': 'BIGINT'});
        CREATE TABLE log AS SELECT "partition", "offset", value->>'feed' AS feed, value->>'symbol' AS symbol,
            value->>'price_type' AS price_type, CAST(value->>'price' AS DECIMAL(38,18)) AS price,
            epoch_us(CAST(value->>'scheduled_at' AS TIMESTAMPTZ)) AS scheduled_at,
            CAST(value->>'poll_interval' AS BIGINT) AS poll_interval,
            epoch_us(CAST(value->>'observed_at' AS TIMESTAMPTZ)) AS observed_at
            FROM read_json('log.jsonl', format='newline_delimited',
                columns={'partition': 'INTEGER', 'offset': 'BIGINT', 'value': 'JSON'});
        CREATE TABLE log_gaps AS SELECT "partition", "offset", value->>'symbol' AS symbol
            FROM read_json('log_gaps.jsonl', format='newline_delimited',
                columns={'partition': 'INTEGER', 'offset': 'BIGINT', 'value': 'JSON'});
        CREATE TABLE minutes AS SELECT * FROM read_csv('minutes.csv', header=true, columns={'symbol': 'VARCHAR',
            'feed': 'VARCHAR', 'price_type': 'VARCHAR', 'minute': 'BIGINT', 'open': 'DECIMAL(38,18)',
            'high': 'DECIMAL(38,18)', 'low': 'DECIMAL(38,18)', 'close': 'DECIMAL(38,18)', 'quotes': 'BIGINT',
            'first_time': 'BIGINT', 'last_time': 'BIGINT'});
        CREATE TABLE days AS SELECT * FROM read_csv('days.csv', header=true, columns={'symbol': 'VARCHAR',
            'feed': 'VARCHAR', 'price_type': 'VARCHAR', 'trading_day': 'DATE', 'open': 'DECIMAL(38,18)',
            'high': 'DECIMAL(38,18)', 'low': 'DECIMAL(38,18)', 'close': 'DECIMAL(38,18)', 'quotes': 'BIGINT',
            'minutes': 'BIGINT'});
        CREATE VIEW placed AS SELECT *, observed_at - observed_at % 60000000 AS minute,
            CAST(make_timestamp(observed_at) AS DATE) AS trading_day FROM raw;
        CREATE VIEW ranked AS SELECT *,
            row_number() OVER (PARTITION BY symbol, feed, price_type, minute
                ORDER BY observed_at, "partition", "offset") AS from_start,
            row_number() OVER (PARTITION BY symbol, feed, price_type, minute
                ORDER BY observed_at DESC, "partition" DESC, "offset" DESC) AS from_end,
            row_number() OVER (PARTITION BY symbol, feed, price_type, trading_day
                ORDER BY observed_at, "partition", "offset") AS from_day_start,
            row_number() OVER (PARTITION BY symbol, feed, price_type, trading_day
                ORDER BY observed_at DESC, "partition" DESC, "offset" DESC) AS from_day_end
            FROM placed;
        CREATE VIEW expected_minutes AS SELECT symbol, feed, price_type, minute,
            max(price) FILTER (WHERE from_start = 1) AS open, max(price) AS high, min(price) AS low,
            max(price) FILTER (WHERE from_end = 1) AS close, count(*) AS quotes,
            min(observed_at) AS first_time, max(observed_at) AS last_time
            FROM ranked GROUP BY symbol, feed, price_type, minute;
        CREATE VIEW expected_days AS SELECT symbol, feed, price_type, trading_day,
            max(price) FILTER (WHERE from_day_start = 1) AS open, max(price) AS high, min(price) AS low,
            max(price) FILTER (WHERE from_day_end = 1) AS close, count(*) AS quotes,
            count(DISTINCT minute) AS minutes
            FROM ranked GROUP BY symbol, feed, price_type, trading_day;
        CREATE VIEW slots AS
            SELECT feed, symbol, price_type, scheduled_at AS start, scheduled_at + poll_interval AS stop, 'quote' AS what
                FROM raw
            UNION ALL SELECT feed, symbol, price_type, from_time, to_time, 'gap' FROM gaps;
        CREATE VIEW neighbours AS SELECT *,
            max(stop) OVER (PARTITION BY feed, symbol, price_type ORDER BY start, stop
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
            FROM slots;

        """

    /// What must not be; a row is an offence.
    ///
    /// An answer that came after its slot was served in the next one, which then holds another quote.
    static let checks: [(name: String, offending: String)] = [
        ("nothing was collected", "SELECT 1 WHERE NOT EXISTS (FROM raw)"),
        ("raw holds a price twice", "SELECT price, count(*) AS times FROM raw GROUP BY price HAVING count(*) > 1"),
        (
            "raw holds a price that was not served",
            "FROM raw ANTI JOIN served USING (feed, symbol, price_type, price)"
        ),
        (
            "a served price is neither in raw nor in a gap",
            """
            FROM (FROM served ANTI JOIN raw USING (feed, symbol, price_type, price)) missing
            WHERE NOT EXISTS (FROM gaps WHERE gaps.feed = missing.feed AND gaps.symbol = missing.symbol
                AND gaps.price_type = missing.price_type AND missing.time >= gaps.from_time
                AND missing.time < gaps.to_time + (SELECT CASE WHEN count(*) > 0 THEN max(poll_interval) ELSE 0 END
                    FROM raw WHERE raw.feed = missing.feed AND raw.symbol = missing.symbol
                    AND raw.price_type = missing.price_type AND missing.time >= raw.scheduled_at
                    AND missing.time < raw.scheduled_at + raw.poll_interval))
            """
        ),
        (
            "a spoilt answer is neither made good nor in a gap",
            """
            FROM (FROM journal WHERE fault IS NOT NULL) spoilt
            WHERE NOT EXISTS (FROM gaps WHERE gaps.feed = spoilt.feed AND gaps.symbol = spoilt.symbol
                AND gaps.price_type = spoilt.price_type AND spoilt.time >= gaps.from_time
                AND spoilt.time < gaps.to_time + (SELECT max(poll_interval) FROM raw))
            AND NOT EXISTS (FROM raw WHERE raw.feed = spoilt.feed AND raw.symbol = spoilt.symbol
                AND raw.price_type = spoilt.price_type AND spoilt.time >= raw.scheduled_at
                AND spoilt.time < raw.scheduled_at + 2 * raw.poll_interval)
            """
        ),
        ("a message of the log is not in raw", #"FROM log ANTI JOIN raw USING ("partition", "offset")"#),
        ("a row of raw is not in the log", #"FROM raw ANTI JOIN log USING ("partition", "offset")"#),
        (
            "a row of raw differs from its message",
            """
            SELECT * EXCLUDE (wanted) FROM (SELECT log AS wanted, raw AS found FROM log JOIN raw
                USING ("partition", "offset") WHERE (log.feed, log.symbol, log.price_type, log.price,
                log.scheduled_at, log.poll_interval, log.observed_at) IS DISTINCT FROM (raw.feed, raw.symbol,
                raw.price_type, raw.price, raw.scheduled_at, raw.poll_interval, raw.observed_at))
            """
        ),
        ("a recorded gap is not in raw", #"FROM log_gaps ANTI JOIN gaps USING ("partition", "offset")"#),
        ("a row is in the files, not in the table", "(FROM files EXCEPT ALL FROM raw)"),
        ("a row is in the table, not in the files", "(FROM raw EXCEPT ALL FROM files)"),
        ("a minute is missing or other than raw gives", "(FROM expected_minutes EXCEPT ALL FROM minutes)"),
        ("a minute is there that raw does not give", "(FROM minutes EXCEPT ALL FROM expected_minutes)"),
        ("a day is missing or other than raw gives", "(FROM expected_days EXCEPT ALL FROM days)"),
        ("a day is there that raw does not give", "(FROM days EXCEPT ALL FROM expected_days)"),
        ("a slot is neither a quote nor in a gap", "FROM neighbours WHERE start > covered"),
        ("a slot is there twice", "FROM neighbours WHERE start < covered"),
    ]

    private static let totals = """
        SELECT (SELECT count(*) FROM journal) AS answers, (SELECT count(*) FROM served) AS good_answers,
            (SELECT count(*) FROM raw) AS quotes, (SELECT count(*) FROM gaps) AS gaps,
            (SELECT string_agg(reason || ' ' || n, ', ' ORDER BY reason) FROM
                (SELECT reason, count(*) AS n FROM gaps GROUP BY reason)) AS gaps_by_reason,
            (SELECT count(*) FROM minutes) AS minutes, (SELECT count(*) FROM days) AS days;

        """
}

/// DuckDB's program, run on a script.
enum DuckDBShell {
    /// - Returns: what the script printed, as JSON.
    static func run(_ script: String, in folder: URL) throws -> Data {
        let process = Process()
        process.executableURL = BuiltProgram.duckdb
        process.arguments = ["-json", "-bail", "-no-init"]
        process.currentDirectoryURL = folder
        let input = Pipe()
        let output = Pipe()
        let errors = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(script.utf8))
        try input.fileHandleForWriting.close()
        let printed = try output.fileHandleForReading.readToEnd() ?? Data()
        let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw HarnessFault("DuckDB: \(String(decoding: complaint, as: UTF8.self))")
        }
        return printed
    }
}
