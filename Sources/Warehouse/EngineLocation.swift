import Foundation

extension DuckDB {
    /// Where DuckDB's program and its extensions are.
    public struct Location: Hashable, Sendable {
        /// The program's path.
        public let executable: String
        /// The folder that holds `ducklake.duckdb_extension` and the others.
        public let extensions: String

        public init(executable: String, extensions: String) {
            self.executable = executable
            self.extensions = extensions
        }

        /// The program at `executable`, its extensions in the folder `extensions` beside it.
        public init(executable: String) {
            let folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
            self.init(executable: executable, extensions: folder.appendingPathComponent("extensions").path)
        }
    }
}

extension DuckDB.Location {
    /// The variable that names DuckDB's program.
    public static let environmentVariable = "PREGAO_DUCKDB"

    /// Finds DuckDB: where the setting says, else where `PREGAO_DUCKDB` says, else `duckdb/duckdb` beside our program,
    /// else `.deps/duckdb/duckdb` in a folder above our program or in the current folder or above it.
    ///
    /// - Parameter program: our own program's path.
    /// - Throws: ``CatalogError/Kind/unavailable`` where it is nowhere; the cause lists the places.
    public static func discover(
        setting: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment,
        program: String = Self.ownProgram,
        currentFolder: String = FileManager.default.currentDirectoryPath
    ) throws(CatalogError) -> DuckDB.Location {
        if let named = setting ?? environment[environmentVariable] {
            return try existing([named])
        }
        let programFolder = URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
        let above = [programFolder, URL(fileURLWithPath: currentFolder)].flatMap(foldersUpwards)
        return try existing(
            [programFolder.appendingPathComponent("duckdb/duckdb").path]
                + above.map { $0.appendingPathComponent(".deps/duckdb/duckdb").path })
    }

    /// Linux keeps the running program's own path there, however it was called; its first argument may be a bare name
    /// that was found on PATH.
    public static var ownProgram: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    }

    private static func foldersUpwards(from folder: URL) -> [URL] {
        var folder = folder.standardizedFileURL
        var result = [folder]
        while folder.path != "/", result.count < 32 {
            folder.deleteLastPathComponent()
            folder.standardize()
            result.append(folder)
        }
        return result
    }

    private static func existing(_ paths: [String]) throws(CatalogError) -> DuckDB.Location {
        guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
            throw CatalogError(
                .unavailable, doing: "find DuckDB's program",
                cause: "none at \(paths.joined(separator: ", ")); run `make setup` or set \(environmentVariable)")
        }
        return DuckDB.Location(executable: path)
    }
}
