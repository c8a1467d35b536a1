import Foundation

/// The files of a catalog in its folder.
struct CatalogFiles: Hashable, Sendable {
    let folder: String
    private let name: String
    private let lock: String

    private init(folder: String, name: String, lock: String) {
        self.folder = folder
        self.name = name
        self.lock = lock
    }

    init(folder: String) { self.init(folder: folder, name: "catalog.sqlite", lock: "turn.lock") }

    /// A catalog that is being made beside the one that it is to replace.
    var replacement: CatalogFiles { CatalogFiles(folder: folder, name: "\(name).new", lock: "new.lock") }

    var metadata: String { "\(folder)/\(name)" }
    /// The lock file of the writers' turn.
    var turn: String { "\(folder)/\(lock)" }
    /// Where DuckLake puts what it writes itself.
    var data: String { "\(folder)/data/" }

    /// The first 16 bytes of the metadata; nil where there is no such file.
    func head() throws(CatalogError) -> [UInt8]? {
        let descriptor = Foundation.open(metadata, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw CatalogError(
                .unavailable, doing: "open the catalog \(metadata)", cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        return [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            count = max(0, Foundation.read(descriptor, buffer.baseAddress, 16))
        }
    }

    /// Checks that there is a catalog before the engine is started on it: DuckLake would make a new one.
    func check() throws(CatalogError) {
        guard let head = try head(), !head.isEmpty else {
            throw CatalogError(
                .unavailable, doing: "open the catalog \(metadata)", cause: "there is none; `pregao run` makes one")
        }
        // "SQLite format 3" and a NUL start every SQLite database (https://sqlite.org/fileformat.html).
        guard head == Array("SQLite format 3\0".utf8) else {
            throw CatalogError(
                .corrupt, doing: "open the catalog \(metadata)", cause: "not a SQLite database; \(Self.whatToDo)")
        }
    }

    static let whatToDo = "make it again with `pregao catalog rebuild`"

    func makeFolders() throws(CatalogError) {
        do {
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        } catch {
            throw CatalogError(.unavailable, doing: "make the catalog's folder \(folder)", cause: "\(error)")
        }
    }

    func remove() {
        for suffix in ["", "-wal", "-shm"] { unlink(metadata + suffix) }
    }

    /// Puts the replacement in this catalog's place, in one step; what was there is kept as `<name>.before`.
    ///
    /// The caller has the turn, and nothing writes to the replacement any more.
    func replace(by replacement: CatalogFiles) throws(CatalogError) {
        let doing = "replace the catalog \(metadata)"
        // Its last connection's end empties and removes the write-ahead log. A log left behind would be lost.
        guard access("\(replacement.metadata)-wal", F_OK) != 0 else {
            throw CatalogError(.engine, doing: doing, cause: "the new one was not closed whole")
        }
        let before = "\(metadata).before"
        for suffix in ["", "-wal", "-shm"] { unlink(before + suffix) }
        link(metadata, before)
        // The old one's log must not be taken for the new one's.
        rename("\(metadata)-wal", "\(before)-wal")
        unlink("\(metadata)-shm")
        guard rename(replacement.metadata, metadata) == 0 else {
            throw CatalogError(.unavailable, doing: doing, cause: String(cString: strerror(errno)))
        }
        let descriptor = Foundation.open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
