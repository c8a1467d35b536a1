import Configuration
import Foundation
import Runtime
import Synchronization
import Terminal
import Warehouse

enum QueryCommand {
    static let command: Command = Command(
        "query", "Ask the catalog in SQL",
        discussion: """
            The SQL is DuckDB's. Tables are lake.raw.quotes, lake.refined.quotes_1m and so on ('pregao catalog tables' lists
            them); the session only reads, and runs in UTC. A query kept as <name>.sql in the folder of saved queries is
            run by its name.
            """,
        options: CommonOptions.settings + [
            Option("format", short: "f", .choice(["table", "csv", "json"]), "How rows are printed", standard: "table"),
            Option("file", .path, "Read the SQL from a file"),
            Option("saved", .value(placeholder: "NAME"), "Run a saved query"),
            Option("list", .flag, "List the saved queries"),
        ],
        positionals: [Positional("SQL", "The query", required: false)],
        examples: [
            Example("pregao query \"SELECT symbol, count(*) FROM lake.raw.quotes GROUP BY ALL\"", "rows a symbol"),
            Example("pregao query --saved last-bars --format csv", "a saved query as CSV"),
        ], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let workplace = Workplace(try arguments.configuration(), component: "query")
        let saved = SavedQueries(folder: workplace.configuration.savedQueries)
        if arguments.has("list") {
            arguments.print(saved.table)
            return .success
        }
        let sql = try sql(arguments, saved)
        if let word = StatementWords.refused(in: sql) {
            throw CommandError(
                "a query only reads: a statement that begins with \(word) is not run",
                next: "'pregao catalog attach' prints what a DuckDB session of your own begins with.",
                exitCode: .usage)
        }
        let catalog = try await workplace.openCatalog(create: false)
        let format = arguments.value("format").flatMap(DuckDB.Format.init) ?? .table
        let lines = GatheredLines()
        try await workplace.engine().stream(
            sql, setup: catalog.attachScript(readOnly: true), format: format, doing: "query the catalog"
        ) { lines.add($0) }
        lines.flush()
        return .success
    }

    private static func sql(_ arguments: Arguments, _ saved: SavedQueries) throws(CommandError) -> String {
        let given = [arguments.positionals.first, arguments.value("file"), arguments.value("saved")].compactMap { $0 }
        guard given.count == 1 else { throw arguments.usage("give one of SQL, --file or --saved") }
        if let sql = arguments.positionals.first { return sql }
        if let name = arguments.value("saved") {
            guard let sql = saved.sql(named: name) else {
                throw CommandError(
                    "there is no saved query '\(name)'", next: "See 'pregao query --list'.", exitCode: .usage)
            }
            return sql
        }
        do { return try String(contentsOfFile: given[0], encoding: .utf8) } catch {
            throw CommandError("cannot read \(given[0]): \(plainWords(of: error))", exitCode: .usage)
        }
    }
}

/// Lines on their way to standard output, many at a time.
private final class GatheredLines: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    func add(_ line: ArraySlice<UInt8>) {
        let isFull = bytes.withLock { bytes in
            bytes += line
            return bytes.count >= 1 << 16
        }
        if isFull { flush() }
    }

    func flush() {
        let gathered = bytes.withLock { bytes in
            defer { bytes.removeAll(keepingCapacity: true) }
            return bytes
        }
        Output.write(gathered[...])
    }
}

/// Queries by name: those that come with the program, then those in the user's folder, which may replace them.
struct SavedQueries {
    let folder: String

    private var folders: [String] { [Bundle.module.bundleURL.appendingPathComponent("Queries").path, folder] }

    func sql(named name: String) -> String? {
        guard !name.contains("/") else { return nil }
        return folders.reversed().lazy.compactMap { try? String(contentsOfFile: "\($0)/\(name).sql", encoding: .utf8) }
            .first
    }

    /// Each query with the comment on its first line.
    var table: Table {
        var table = Table(["query", "what it shows"])
        let files = folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
        for name in Set(files.filter { $0.hasSuffix(".sql") }.map { String($0.dropLast(4)) }).sorted() {
            let first = sql(named: name)?.split(separator: "\n").first ?? ""
            table.append([.text(name), .text(first.hasPrefix("-- ") ? String(first.dropFirst(3)) : "")])
        }
        return table
    }
}
