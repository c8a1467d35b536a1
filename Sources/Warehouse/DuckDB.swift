import Foundation

/// DuckDB's command-line program, one short process a script, so that an engine that dies takes nothing with it.
public struct DuckDB: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        case table, csv, json
    }

    public let location: Location
    /// What its processes have in their environment beside ours.
    let environment: [String: String]
    private let settings: String
    private let stores: EngineStores

    /// - Parameters:
    ///   - memoryLimit: in bytes; the engine spills to `temporaryFolder` beyond it.
    ///   - threads: how many the engine uses. For short transactions one is the fastest.
    ///   - temporaryFolder: nil keeps the engine from writing temporary files.
    ///   - environment: what its processes have in their environment beside ours, such as secrets.
    ///   - stores: those of other machines that scripts read files of.
    public init(
        location: Location, memoryLimit: Int64 = 1 << 30, threads: Int = 1, temporaryFolder: String? = nil,
        environment: [String: String] = [:], stores: EngineStores = EngineStores()
    ) {
        self.location = location
        self.environment = environment
        self.stores = stores
        settings = """
            SET memory_limit = '\(memoryLimit)B';
            SET threads = \(max(1, threads));
            SET temp_directory = \(SQL.literal(temporaryFolder ?? ""));
            SET autoinstall_known_extensions = false;
            SET autoload_known_extensions = false;
            """
    }

    /// The extensions are loaded unverified: their sums are checked when they are installed, whoever could change them
    /// could change the program beside them, and hashing their 90 MB took 0.2 s of every process' start.
    var arguments: [String] { ["-no-init", "-batch", "-bail", "-unsigned", ":memory:"] }

    /// The statements that every process starts with: limits, extensions, and sessions in UTC.
    var preamble: String {
        settings + "\n"
            + ["icu", "sqlite_scanner", "ducklake"].map { load($0) }.joined(separator: "\n")
            + "\nSET TimeZone = 'UTC';\n"
    }

    /// ``preamble``, and what lets the process into the stores of other machines.
    func opening() async throws(CatalogError) -> String {
        preamble + (try await stores.statements(loading: load("httpfs")))
    }

    /// The statement that loads an extension, such as `httpfs`.
    public func load(_ extensionName: String) -> String {
        "LOAD \(SQL.literal("\(location.extensions)/\(extensionName).duckdb_extension"));"
    }

    /// Runs a script in a process of its own; the first error ends it.
    ///
    /// - Parameters:
    ///   - script: SQL statements. A line that starts with a dot would be a command of the program and is refused.
    ///   - doing: what the script is for, in errors.
    ///   - limit: what it may take; nil for as long as it needs.
    /// - Returns: the rows of all its answers, in order.
    /// - Throws: ``CatalogError/Kind/sql`` where the SQL is wrong, ``CatalogError/Kind/engine`` where the engine died.
    ///   A cancelled caller's process is killed.
    public func run(_ script: String, doing: String = "run a script", within limit: Duration? = nil)
        async throws(CatalogError) -> [Row]
    {
        try checkCommands(in: script, doing: doing)
        let opening = try await opening()
        return try await onThread(within: limit) { handle throws(CatalogError) in
            var session = try EngineSession(self, doing: doing, handle: handle)
            return try session.finish(with: opening + script)
        }
    }

    /// Runs a script whose answers go to `write` as they come, a line with its newline at a time.
    ///
    /// - Parameters:
    ///   - setup: statements before the script, such as ``Catalog/attachScript(readOnly:snapshot:)``; they print
    ///     nothing.
    ///   - write: called on a thread of its own; what it throws ends the engine.
    /// - Throws: as ``run(_:doing:within:)``, and what `write` throws. A cancelled caller's process is killed.
    public func stream(
        _ script: String, setup: String = "", format: Format, doing: String = "run a query",
        to write: @escaping @Sendable (ArraySlice<UInt8>) throws(CatalogError) -> Void
    ) async throws(CatalogError) {
        try checkCommands(in: script, doing: doing)
        let mode =
            switch format {
            case .table: ["-table"]
            case .csv: ["-csv", "-nullvalue", ""]
            case .json: ["-json"]
            }
        let text = try await opening() + setup + "\n" + script + "\n"
        try await onThread { handle throws(CatalogError) in
            var process = try EngineProcess(
                executable: location.executable, arguments: arguments + mode + ["-header"],
                environment: environment, handle: handle)
            _ = try process.exchange(text, closingInput: true) { line throws(CatalogError) in
                try write(line + [UInt8(ascii: "\n")])
                return false
            }
            let status = process.finish()
            guard status == 0, process.diagnostics.isEmpty else {
                throw CatalogError(diagnostics: process.diagnostics, exitStatus: status, doing: doing)
            }
        }
    }

    private func checkCommands(in script: String, doing: String) throws(CatalogError) {
        let isCommand = { (line: Substring) in line.drop { $0 == " " || $0 == "\t" }.hasPrefix(".") }
        guard let line = script.split(whereSeparator: \.isNewline).first(where: isCommand) else { return }
        throw CatalogError(.sql, doing: doing, cause: "a line may not start with a dot: \(line.prefix(80))")
    }
}
