import Foundation

/// Makes the folder, and those above it that are missing, each durable in its parent. SQLite itself syncs only the folder
/// that holds its files.
///
/// - Parameter sync: makes durable what was made in a folder.
func makeFolder(_ path: String, syncing sync: (String) throws(Fault) -> Void = syncFolder) throws(Fault) {
    let parts = path.split(separator: "/")
    var folder = ""
    for (number, part) in parts.enumerated() {
        let parent = folder.isEmpty ? "/" : folder
        folder += "/" + part
        let isNew = mkdir(folder, 0o755) == 0
        let code = errno
        // A parent may lie on a read-only file system, which says so before it says that the folder is there.
        guard isNew || code == EEXIST || isFolder(folder) else {
            throw Fault(.cannotWrite, "\(folder) cannot be made: \(String(cString: strerror(code)))")
        }
        guard isNew || isFolder(folder) else { throw Fault(.cannotWrite, "\(folder) is not a folder") }
        if isNew {
            try sync(parent)
        } else if number == parts.count - 1 {
            // Whoever made it may have died before this; where it is not ours to open, it is not ours to sync.
            try? sync(parent)
        }
    }
}

private func isFolder(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
}

/// Makes what was made in a folder durable.
func syncFolder(_ path: String) throws(Fault) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unsynced(path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw unsynced(path) }
}

private func unsynced(_ path: String) -> Fault {
    Fault(.cannotWrite, "the folder \(path) cannot be synced: \(String(cString: strerror(errno)))")
}
