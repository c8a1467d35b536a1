import Foundation
import MarketData

/// Lists a local store's objects, a folder at a time.
struct LocalListing {
    private let root: String
    private var walk: FolderWalk

    init(root: String, prefix: String, after: String?, limit: Int) {
        self.root = root
        walk = FolderWalk(prefix: prefix, after: after, limit: limit)
    }

    mutating func run() throws(StoreError) -> [StoredObject] {
        try walk.run { [root] (folder) throws(StoreError) in try Self.entries(of: folder, root: root) }
    }

    private static func entries(of folder: String, root: String) throws(StoreError) -> [FolderEntry] {
        let names = try LocalFolders.names(in: "\(root)/\(folder)", doing: "list \(root)/\(folder)")
        var entries: [FolderEntry] = []
        for name in names where !(folder.isEmpty && name == ObjectKey.temporaryFolder) {
            var information = stat()
            // One that vanished since the folder was read is not there.
            guard stat("\(root)/\(folder)\(name)", &information) == 0 else { continue }
            let isFolder = information.st_mode & S_IFMT == S_IFDIR
            entries.append(
                FolderEntry(
                    key: folder + name + (isFolder ? "/" : ""), isFolder: isFolder, size: Int64(information.st_size),
                    modified: information.modified.microseconds))
        }
        return entries.sorted { $0.key.isBefore($1.key) }
    }
}
