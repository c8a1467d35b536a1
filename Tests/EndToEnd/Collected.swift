import EventLog
import Exchange
import Foundation
import KafkaLog
import MarketData
import Runtime

/// Brings what a pipeline holds into the form that ``Proof`` reads.
struct Collected {
    let pipeline: Pipeline
    let folder: URL

    init(_ pipeline: Pipeline) async throws {
        self.pipeline = pipeline
        folder = pipeline.folder.appending(path: "proof")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await pipeline.exchange.stop()
        try FileManager.default.copyItem(at: pipeline.journal, to: folder.appending(path: "journal.jsonl"))
        try await writeLog(of: Datasets.quotes.topic, to: "log.jsonl")
        try await writeLog(of: Datasets.gaps.topic, to: "log_gaps.jsonl")
        try await writeTables()
        try await writeFiles()
    }

    private func writeLog(of topic: String, to name: String) async throws {
        let log = try await pipeline.openLog()
        var lines: [UInt8] = []
        for (partition, marks) in try await log.watermarks(of: topic) {
            var next = marks.start
            while next < marks.end {
                let batch = try await log.read(partition, from: next, to: marks.end, maximumBytes: 1 << 20)
                for record in batch.records {
                    lines += Array(#"{"partition":\#(partition.partition),"offset":\#(record.offset),"value":"#.utf8)
                    lines += batch.value(of: record) ?? Array("null".utf8)
                    lines += Array("}\n".utf8)
                }
                guard batch.nextOffset > next else { break }
                next = batch.nextOffset
            }
        }
        await log.close()
        try Data(lines).write(to: folder.appending(path: name))
    }

    private static let quoteColumns = """
        feed, symbol, price_type, price, epoch_us(scheduled_at) AS scheduled_at, poll_interval,
        epoch_us(observed_at) AS observed_at, _partition AS "partition", _offset AS "offset"
        """

    private func writeTables() async throws {
        try await write("raw.csv", "SELECT \(Self.quoteColumns) FROM lake.raw.quotes")
        try await write(
            "gaps.csv",
            """
            SELECT feed, symbol, price_type, epoch_us(from_time) AS from_time, epoch_us(to_time) AS to_time, reason,
            _partition AS "partition", _offset AS "offset" FROM lake.raw.gaps
            """)
        try await write(
            "minutes.csv",
            """
            SELECT symbol, feed, price_type, epoch_us(minute) AS minute, open, high, low, close, quotes,
            epoch_us(first_time) AS first_time, epoch_us(last_time) AS last_time FROM lake.refined.quotes_1m
            """)
        try await write(
            "days.csv",
            """
            SELECT symbol, feed, price_type, trading_day, open, high, low, close, quotes, minutes
            FROM lake.refined.quotes_daily
            """)
    }

    private func write(_ name: String, _ sql: String) async throws {
        let output = try await pipeline.query(sql)
        try Data(output.utf8).write(to: folder.appending(path: name))
    }

    /// The rows of the files that the ledger names, read by DuckDB alone; and each file's backup, byte by byte.
    private func writeFiles() async throws {
        let keys = try await keys(where: "dataset = 'quotes' AND status = 'registered'")
        let files = keys.map { "'\(pipeline.data.appending(path: "lake/\($0)").path)'" }.joined(separator: ", ")
        let script = """
            SET TimeZone = 'UTC';
            COPY (SELECT \(Self.quoteColumns) FROM read_parquet([\(files)], union_by_name=true)) TO 'files.csv' (HEADER);

            """
        _ = try DuckDBShell.run(script, in: folder)
    }

    func keys(where condition: String) async throws -> [String] {
        try await pipeline.query("SELECT key FROM lake.pregao.objects WHERE \(condition) ORDER BY key")
            .split(separator: "\n").dropFirst().map(String.init)
    }

    /// The objects of the ledger whose backup is absent or has other bytes, or lacks its announcement.
    func objectsWithoutBackup() async throws -> [String] {
        try await keys(where: "status <> 'refused'").filter { key in
            let raw = try? Data(contentsOf: pipeline.data.appending(path: "lake/\(key)"))
            let backup = try? Data(contentsOf: pipeline.data.appending(path: "backup/\(key)"))
            let announcement = pipeline.data.appending(path: "backup/\(key).json").path
            return raw == nil || raw != backup || !FileManager.default.fileExists(atPath: announcement)
        }
    }
}

extension Pipeline {
    /// The log, opened beside whoever works on it.
    func openLog() async throws -> any EventLog {
        if let kafka { return try await KafkaEventLog.open(KafkaLogSettings(brokers: kafka)) }
        return try await SQLiteEventLog.openExisting(
            at: data.appending(path: "log/pregao.sqlite").path, settings: SQLiteLogSettings(),
            clock: SystemWallClock())
    }

    /// A query's rows as CSV with a header.
    func query(_ sql: String) async throws -> String {
        let (ending, output) = try await run(["query", "--format", "csv", sql])
        guard ending == .exited(0) else { throw HarnessFault("pregao query \(sql): \(ending)\n\(output)") }
        return output
    }

    /// Waits until every message has been flushed and every announcement archived.
    func drained(whileAlive names: [String]) async throws {
        let log = try await openLog()
        var waiting = "everything"
        do {
            try await eventually("the end of the backlog", every: .milliseconds(100)) {
                try expectAlive(names)
                waiting = try await backlog(of: log).map { "\($0.key): \($0.value)" }.sorted().joined(separator: ", ")
                return waiting.isEmpty
            }
        } catch {
            await log.close()
            throw HarnessFault(
                "\(error); waiting are \(waiting)\n\(names.compactMap { children[$0]?.lastLines() }.joined(separator: "\n"))"
            )
        }
        await log.close()
    }

    /// How many messages and announcements wait in each partition that has some.
    func backlog() async throws -> [TopicPartition: Offset] {
        let log = try await openLog()
        let backlog: [TopicPartition: Offset]
        do { backlog = try await self.backlog(of: log) } catch {
            await log.close()
            throw error
        }
        await log.close()
        return backlog
    }

    private func backlog(of log: any EventLog) async throws -> [TopicPartition: Offset] {
        var backlog: [TopicPartition: Offset] = [:]
        for (group, topics) in [
            ("pregao.flusher", Datasets.all.map(\.topic)), ("pregao.archiver", ["pregao.objects"]),
        ] {
            let positions = try await log.committed(group: group)
            for topic in topics {
                for (partition, marks) in try await log.watermarks(of: topic) {
                    let next = max(marks.start, positions[partition] ?? 0)
                    guard next < marks.end else { continue }
                    // On Kafka, what is left may be markers of transactions alone.
                    let rest = try await log.read(partition, from: next, to: marks.end, maximumBytes: 1)
                    if !rest.records.isEmpty { backlog[partition] = marks.end - next }
                }
            }
        }
        return backlog
    }
}
