/// What lies in a folder of a store.
struct FolderEntry: Hashable, Sendable {
    /// A folder's ends in a slash: so sorted, a folder stands where its keys do ("a-b" < "a/x" < "a0").
    let key: String
    let isFolder: Bool
    let size: Int64
    let modified: Int64
}

/// Walks a store's folders so that keys come in byte order, reading no folder that cannot hold a wanted key.
struct FolderWalk {
    private let prefix: String
    private let after: String?
    private let limit: Int
    private var found: [StoredObject] = []

    init(prefix: String, after: String?, limit: Int) {
        self.prefix = prefix
        self.after = after
        self.limit = limit
    }

    /// - Parameter entries: of a folder, in byte order; its name is empty, or ends in a slash.
    mutating func run(_ entries: (String) throws(StoreError) -> [FolderEntry]) throws(StoreError) -> [StoredObject] {
        try walk("", entries)
        return found
    }

    private mutating func walk(_ folder: String, _ entries: (String) throws(StoreError) -> [FolderEntry])
        throws(StoreError)
    {
        for entry in try entries(folder) {
            guard found.count < limit else { return }
            if entry.isFolder {
                if mayHold(entry.key) { try walk(entry.key, entries) }
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
}
