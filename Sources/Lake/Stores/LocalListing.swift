import Foundation
import MarketData

/// Walks a local store's folders so that keys come in byte order, reading no folder that cannot hold a wanted key.
struct LocalListing {
    private let root: String
    private let prefix: String
    private let after: String?
    private let limit: Int
    private var found: [StoredObject] = []

    init(root: String, prefix: String, after: String?, limit: Int) {
        self.root = root
        self.prefix = prefix
        self.after = after
        self.limit = limit
    }

    mutating func run() throws(StoreError) -> [StoredObject] {
        try walk("")
        return found
    }

    private mutating func walk(_ folder: String) throws(StoreError) {
        for entry in try entries(of: folder) {
            guard found.count < limit else { return }
            if entry.isFolder {
                if mayHold(entry.key) { try walk(entry.key) }
            } else if entry.key.startsWith(prefix), after.map({ $0.isBefore(entry.key) }) ?? true {
                found.append(StoredObject(key: entry.key, size: entry.size, modified: entry.modified))
            }
        }
    }

    /// Whether keys that begin with `folder`, which ends in a slash, can be wanted.
    private func mayHold(_ folder: String) -> Bool {
        guard folder.startsWith(prefix) || prefix.startsWith(folder) else { return false }
        guard let after else { return true }
        return after.startsWith(folder) || after.isBefore(folder)
    }

    private struct Entry {
        /// A folder's ends in a slash: so sorted, a folder stands where its keys do ("a-b" < "a/x" < "a0").
        let key: String
        let isFolder: Bool
        let size: Int64
        let modified: Int64
    }

    private func entries(of folder: String) throws(StoreError) -> [Entry] {
        let names = try LocalFolders.names(in: "\(root)/\(folder)", doing: "list \(root)/\(folder)")
        var entries: [Entry] = []
        for name in names where !(folder.isEmpty && name == ObjectKey.temporaryFolder) {
            var information = stat()
            // One that vanished since the folder was read is not there.
            guard stat("\(root)/\(folder)\(name)", &information) == 0 else { continue }
            let isFolder = information.st_mode & S_IFMT == S_IFDIR
            entries.append(
                Entry(
                    key: folder + name + (isFolder ? "/" : ""), isFolder: isFolder, size: Int64(information.st_size),
                    modified: information.modified.microseconds))
        }
        return entries.sorted { $0.key.isBefore($1.key) }
    }
}
