import Foundation
import Synchronization

/// Makes folders below a root durable: a new file survives a power cut only if every folder above it does.
final class LocalFolders: Sendable {
    private let root: String
    /// Folders whose entries in their parents this process has made durable.
    private let durable = Mutex<Set<String>>([])
    /// Whether the root was there once. Should it be gone later, its disk is, which may come back: made again, it would
    /// take objects that the disk then hides, and what is on the disk would seem to be absent.
    private let hadRoot: Atomic<Bool>

    init(root: String) {
        self.root = root
        hadRoot = Atomic(Self.isFolder(root.isEmpty ? "/" : root))
    }

    /// Creates the folder of `key` where it is missing, each with its entry durable in its parent; the root only where it
    /// has never been there.
    ///
    /// A folder that is already there is synchronized too, the first time: whoever made it may have died before.
    ///
    /// - Returns: the folder's path.
    func prepare(forKey key: String, doing: String) throws(StoreError) -> String {
        try makeRoot(doing: doing)
        var path = root
        for part in key.split(separator: "/").dropLast() {
            let parent = path
            path += "/" + part
            let made = try make(path, doing: doing)
            guard made || !durable.withLock({ $0.contains(path) }) else { continue }
            try Self.synchronize(parent, doing: doing)
            durable.withLock { _ = $0.insert(path) }
        }
        return path
    }

    /// - Throws: ``StoreError/Kind/unavailable`` where the root is not there.
    func checkRoot(doing: String) throws(StoreError) {
        guard !Self.isFolder(root.isEmpty ? "/" : root) else { return hadRoot.store(true, ordering: .relaxed) }
        throw StoreError(.unavailable, doing: doing, cause: "there is no folder \(root)")
    }

    private func makeRoot(doing: String) throws(StoreError) {
        guard !hadRoot.load(ordering: .relaxed), !Self.isFolder(root) else { return try checkRoot(doing: doing) }
        var path = ""
        for part in root.split(separator: "/") {
            let parent = path.isEmpty ? "/" : path
            path += "/" + part
            if try make(path, doing: doing) { try Self.synchronize(parent, doing: doing) }
        }
        hadRoot.store(true, ordering: .relaxed)
    }

    /// - Returns: whether it was not there.
    private func make(_ path: String, doing: String) throws(StoreError) -> Bool {
        if mkdir(path, 0o755) == 0 { return true }
        // A root's parents may lie on a read-only file system, which says so before it says that the folder is there.
        guard errno == EEXIST || Self.isFolder(path) else { throw .system(doing: doing, call: "mkdir \(path)") }
        guard Self.isFolder(path) else {
            throw StoreError(.forbiddenKey, doing: doing, cause: "\(path) is not a folder")
        }
        return false
    }

    static func synchronize(_ folder: String, doing: String) throws(StoreError) {
        let handle = try LocalFile(folder, flags: O_RDONLY | O_DIRECTORY, doing: doing)
        try handle.synchronize(doing: doing)
    }

    /// The names in a folder, in no order, without those that are not UTF-8; none where the folder is not there.
    static func names(in folder: String, doing: String) throws(StoreError) -> [String] {
        guard let stream = opendir(folder) else {
            guard errno != ENOENT else { return [] }
            throw .system(doing: doing, call: "opendir")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            // POSIX: readdir returns null both at the end and on an error, which only errno tells apart.
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(validatingCString: $0) }
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw .system(doing: doing, call: "readdir") }
        return names
    }

    static func isFolder(_ path: String) -> Bool {
        var information = stat()
        let result = stat(path, &information)
        return result == 0 && information.st_mode & S_IFMT == S_IFDIR
    }
}
