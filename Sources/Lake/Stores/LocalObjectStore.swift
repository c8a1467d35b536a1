import Foundation
import MarketData
import Runtime
import Synchronization

/// Objects as files below a folder, the key being the path.
///
/// A put writes a temporary file under `.tmp/`, synchronizes it, links it to its name, which fails where the name is
/// taken, and synchronizes the folder: an object is either whole and durable or not there. Several processes may use
/// one folder.
public struct LocalObjectStore: ObjectStore {
    public let bucket: String
    /// The folder, an absolute path without a slash at its end.
    public let root: String
    private let folders: LocalFolders
    private let leftovers: LocalLeftovers
    private let work: BlockingWork

    /// - Parameters:
    ///   - root: created with the first object; a relative path is taken from the current folder. Where it is not there,
    ///     nothing is told to be absent, and where it was there before, it is not created: a disk may not be mounted.
    ///   - bucket: the root's last part, unless given.
    ///   - clock: tells a crash's temporary files, older than `grace`, from those being written.
    ///   - grace: longer than any put takes.
    public init(
        root: String, bucket: String? = nil, clock: any WallClock = SystemWallClock(), grace: Duration = .seconds(3600)
    ) {
        let url = URL(fileURLWithPath: root).standardizedFileURL
        self.root = url.path == "/" ? "" : url.path
        self.bucket = bucket ?? url.lastPathComponent
        folders = LocalFolders(root: self.root)
        leftovers = LocalLeftovers(folder: "\(self.root)/\(ObjectKey.temporaryFolder)", clock: clock, grace: grace)
        work = BlockingWork(label: "pregao.store.\(self.bucket)")
    }

    public func location(of key: String) -> String { "\(root)/\(key)" }

    public func put(_ bytes: [UInt8], at key: String) async throws(StoreError) {
        let doing = "put \(location(of: key))"
        try ObjectKey.check(key, doing: doing)
        try await work.run { () throws(StoreError) in
            do throws(StoreError) {
                try place(bytes, at: key, doing: doing)
            } catch {
                // What vanishes under a put is a folder, which the next try makes again.
                guard error.kind == .absent else { throw error }
                throw StoreError(.unavailable, doing: doing, cause: error.cause)
            }
        }
    }

    public func size(of key: String) async throws(StoreError) -> Int64? {
        let doing = "look for \(location(of: key))"
        try ObjectKey.check(key, doing: doing)
        return try await work.run { () throws(StoreError) in
            var information = stat()
            if stat(location(of: key), &information) == 0 {
                return information.st_mode & S_IFMT == S_IFREG ? Int64(information.st_size) : nil
            }
            let error = StoreError.system(doing: doing, call: "stat")
            guard error.kind == .unavailable else {
                try folders.checkRoot(doing: doing)
                return nil
            }
            throw error
        }
    }

    public func read(_ key: String) async throws(StoreError) -> [UInt8] {
        let doing = "read \(location(of: key))"
        try ObjectKey.check(key, doing: doing)
        return try await work.run { () throws(StoreError) in
            do throws(StoreError) {
                return try content(of: key, doing: doing)
            } catch {
                guard error.kind != .unavailable else { throw error }
                try folders.checkRoot(doing: doing)
                throw StoreError(.absent, doing: doing, cause: error.cause)
            }
        }
    }

    public func list(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StoredObject] {
        try await work.run { () throws(StoreError) in
            try folders.checkRoot(doing: "list \(root)")
            var listing = LocalListing(root: root, prefix: prefix, after: after, limit: limit)
            return try listing.run()
        }
    }

    public func remove(_ key: String) async throws(StoreError) {
        let doing = "remove \(location(of: key))"
        try ObjectKey.check(key, doing: doing)
        try await work.run { () throws(StoreError) in
            guard unlink(location(of: key)) == 0 else {
                let error = StoreError.system(doing: doing, call: "unlink")
                guard error.kind == .absent || error.kind == .forbiddenKey else { throw error }
                return
            }
            try LocalFolders.synchronize(folder(of: key), doing: doing)
        }
    }

    private func folder(of key: String) -> String {
        let path = location(of: key)
        return String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    }

    private func content(of key: String, doing: String) throws(StoreError) -> [UInt8] {
        let file = try LocalFile(location(of: key), flags: O_RDONLY, doing: doing)
        guard try file.information(doing: doing).st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.absent, doing: doing, cause: "a folder, not an object")
        }
        return try file.readToEnd(doing: doing)
    }
}

extension LocalObjectStore {
    private func place(_ bytes: [UInt8], at key: String, doing: String) throws(StoreError) {
        let folder = try folders.prepare(forKey: key, doing: doing)
        let path = location(of: key)
        if access(path, F_OK) != 0 {
            let temporary = try leftovers.newPath(doing: doing)
            defer { unlink(temporary) }
            try write(bytes, to: temporary, doing: doing)
            // link(2): "If newpath exists, it will not be overwritten", unlike rename.
            if link(temporary, path) == 0 { return try LocalFolders.synchronize(folder, doing: doing) }
            guard errno == EEXIST else { throw .system(doing: doing, call: "link") }
        }
        try settle(bytes, with: key, folder: folder, doing: doing)
    }

    private func write(_ bytes: [UInt8], to temporary: String, doing: String) throws(StoreError) {
        let file = try LocalFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, doing: doing)
        try file.write(bytes, doing: doing)
        try file.synchronize(doing: doing)
    }

    /// Finds the object there. Whoever put it may have died before it was durable, so it is synchronized again.
    private func settle(_ bytes: [UInt8], with key: String, folder: String, doing: String) throws(StoreError) {
        let file = try LocalFile(location(of: key), flags: O_RDONLY, doing: doing)
        let size = Int64(try file.information(doing: doing).st_size)
        guard size == Int64(bytes.count) else {
            throw StoreError(.differs, doing: doing, cause: "it is there with \(size) bytes, not \(bytes.count)")
        }
        guard try file.readToEnd(doing: doing) == bytes else {
            throw StoreError(.differs, doing: doing, cause: "it is there with other bytes")
        }
        try file.synchronize(doing: doing)
        try LocalFolders.synchronize(folder, doing: doing)
    }
}
