import Foundation

/// A catalog's metadata in a SQLite file of its folder, for the processes of one machine.
///
/// Writers take turns under a lock of the file system, since SQLite alone has them fail rather than wait.
struct SQLiteMetadata: Metadata, Hashable {
    let folder: String
    private let file: String
    private let lock: String

    private init(folder: String, name: String, lock: String) {
        self.folder = folder
        self.file = name
        self.lock = lock
    }

    init(folder: String) { self.init(folder: folder, name: "catalog.sqlite", lock: "turn.lock") }

    /// A catalog that is being made beside the one that it is to replace.
    var replacement: any Metadata { SQLiteMetadata(folder: folder, name: "\(file).new", lock: "new.lock") }

    var name: String { path }
    var path: String { "\(folder)/\(file)" }
    let tables = "__ducklake_metadata_lake"
    /// The lock file of the writers' turn.
    var turn: String { "\(folder)/\(lock)" }
    var data: String { "\(folder)/data/" }

    /// The first 16 bytes of the metadata; nil where there is no such file.
    func head() throws(CatalogError) -> [UInt8]? {
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw CatalogError(
                .unavailable, doing: "open the catalog \(path)", cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        return [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            count = max(0, Foundation.read(descriptor, buffer.baseAddress, 16))
        }
    }

    /// Checks that there is a catalog before the engine is started on it: DuckLake would make a new one.
    func check() throws(CatalogError) {
        try finishReplacement()
        guard let head = try head(), !head.isEmpty else {
            throw CatalogError(
                .unavailable, doing: "open the catalog \(path)", cause: "there is none; `pregao run` makes one")
        }
        // "SQLite format 3" and a NUL start every SQLite database (https://sqlite.org/fileformat.html).
        guard head == Array("SQLite format 3\0".utf8) else {
            throw CatalogError(
                .corrupt, doing: "open the catalog \(path)", cause: "not a SQLite database; \(Self.whatToDo)")
        }
    }

    func attachment(for access: MetadataAccess, engine: DuckDB, patience: Patience) -> String {
        var options: [String]
        if case .read(let snapshot) = access {
            options = ["READ_ONLY"]
            if let snapshot { options.append("SNAPSHOT_VERSION \(snapshot)") }
        } else {
            // With the rollback journal one open reader would stop the writer.
            options = ["META_JOURNAL_MODE 'WAL'", "DATA_PATH \(SQL.literal(data))"]
        }
        return "ATTACH \(SQL.literal("ducklake:sqlite:\(path)")) AS lake (\(options.joined(separator: ", ")));"
    }

    func exists(engine: DuckDB, patience: Patience) throws(CatalogError) -> Bool {
        try finishReplacement()
        return !(try head()?.isEmpty ?? true)
    }

    func takeTurn(_ doing: String, engine: DuckDB, patience: Patience) async throws(CatalogError) -> any Turn {
        let deadline = ContinuousClock.now + patience.turn
        var count = 0
        while true {
            if let lock = try TurnLock(path: turn) {
                try finishReplacement(holding: lock)
                return lock
            }
            guard ContinuousClock.now < deadline else {
                throw CatalogError(.busy, doing: doing, cause: "another writer has had the turn for \(patience.turn)")
            }
            try await patience.wait(after: count, doing)
            count += 1
        }
    }

    func takeTurnOfTransaction(_ doing: String, engine: DuckDB, patience: Patience) async throws(CatalogError)
        -> (any Turn)?
    {
        try await takeTurn(doing, engine: engine, patience: patience)
    }

    func beginning(engine: DuckDB, patience: Patience) -> String { "BEGIN;" }

    func limit(of patience: Patience) -> Duration { patience.transaction }

    /// Whatever is in the folder is ours.
    func checkPlace(engine: DuckDB, patience: Patience) {}

    func remove(engine: DuckDB, patience: Patience, holding turn: any Turn) {
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    }

    /// What was there is kept as `<name>.before`.
    func replace(by replacement: any Metadata, holding turn: any Turn) throws(CatalogError) {
        // Its last connection's end empties and removes the write-ahead log. A log left behind would be lost.
        guard access("\(replacement.name)-wal", F_OK) != 0 else {
            throw CatalogError(
                .engine, doing: "replace the catalog \(path)", cause: "the new one was not closed whole")
        }
        for step in SQLiteReplacement.Step.allCases { try placing.perform(step) }
    }

    /// How ``replacement`` takes this one's place.
    var placing: SQLiteReplacement { SQLiteReplacement(folder: folder, path: path, new: replacement.name) }

    /// Brings a replacement to its end that a crash has cut off.
    private func finishReplacement(holding lock: TurnLock) throws(CatalogError) {
        try placing.finish()
    }

    private func finishReplacement() throws(CatalogError) {
        guard placing.isUnderWay else { return }
        guard let lock = try TurnLock(path: turn) else {
            throw CatalogError(.busy, doing: "open the catalog \(path)", cause: "it is being replaced")
        }
        try finishReplacement(holding: lock)
    }
}
