import Foundation

/// The turn of the catalog's one writer: a lock of `flock` on `catalog/turn.lock`.
///
/// A lock of flock belongs to the open file, which the engine's process inherits: a writer that dies leaves the turn to
/// its engine, and a successor waits until that has ended as well.
final class TurnLock: Turn {
    private let file: Int32

    var descriptor: Int32? { file }

    /// - Returns: nil where another writer has the turn.
    init?(path: String) throws(CatalogError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CatalogError(.unavailable, doing: "open \(path)", cause: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        file = descriptor
    }

    /// The system keeps the lock for as long as the file is open.
    func confirm() {}

    deinit { close(file) }
}
