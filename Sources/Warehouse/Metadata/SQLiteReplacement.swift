import Foundation

/// A SQLite database's taking of another's place, a step at a time.
///
/// SQLite replays a write-ahead log into whatever database lies beside it, and no file system moves a database and its
/// log together. So a mark tells, from before the old log goes until the new database is in place, that what is there is
/// neither; whoever finds it goes on from there. A crash before leaves the old one as it was, a crash after the new one.
struct SQLiteReplacement {
    let folder: String
    let path: String
    let new: String

    private var before: String { "\(path).before" }
    private var mark: String { "\(path).replacing" }

    enum Step: CaseIterable {
        /// Removes the one that was replaced before.
        case forget
        /// Gives the old one and its log second names.
        case keep
        case mark
        case dropLog
        case move
        case unmark
    }

    /// Whether the mark is there.
    var isUnderWay: Bool { access(mark, F_OK) == 0 }

    /// Does what a crash has left undone, if anything.
    func finish() throws(CatalogError) {
        guard isUnderWay else { return }
        for step in [Step.dropLog, .move, .unmark] { try perform(step) }
    }

    /// Every step may be repeated.
    func perform(_ step: Step) throws(CatalogError) {
        switch step {
        case .forget: for suffix in ["", "-wal", "-shm"] { try remove(before + suffix) }
        case .keep: for suffix in ["-wal", ""] { try keep(path + suffix, as: before + suffix) }
        case .mark:
            try synchronize(new)
            let descriptor = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw failure("make \(mark)") }
            close(descriptor)
        case .dropLog: for suffix in ["-wal", "-shm"] { try remove(path + suffix) }
        case .move:
            // It is gone where the crash came after.
            guard rename(new, path) == 0 || (errno == ENOENT && access(path, F_OK) == 0) else {
                throw failure("move \(new)")
            }
        case .unmark: try remove(mark)
        }
        // The next step is not to reach the disk before this one.
        try synchronize(folder)
    }

    private func remove(_ file: String) throws(CatalogError) {
        guard unlink(file) == 0 || errno == ENOENT else { throw failure("remove \(file)") }
    }

    private func keep(_ file: String, as name: String) throws(CatalogError) {
        guard link(file, name) != 0, errno != ENOENT, errno != EEXIST else { return }
        // Not every file system knows a second name.
        do {
            try FileManager.default.copyItem(atPath: file, toPath: name)
        } catch {
            throw failure("keep \(file) as \(name)", "\(error)")
        }
        try synchronize(name)
    }

    private func synchronize(_ file: String) throws(CatalogError) {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open \(file)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write \(file) through") }
    }

    private func failure(_ step: String, _ cause: String = String(cString: strerror(errno))) -> CatalogError {
        CatalogError(.unavailable, doing: "replace the catalog \(path): \(step)", cause: cause)
    }
}
