/// The folders that a listing in pages has read and not used up: to read a folder anew for each of its pages would cost
/// its size squared. What is listed is as of when its folder was read, which is no earlier than the first page.
struct ListingCursor: Sendable {
    private var folders: [String: [FolderEntry]] = [:]
    private var prefix: String?
    private var last: String?

    /// Whether the page after `after` is the one that is next here.
    func continues(prefix: String, after: String?) -> Bool {
        after != nil && last == after && self.prefix == prefix
    }

    mutating func next(
        prefix: String, after: String?, limit: Int, _ read: (String) throws(StoreError) -> [FolderEntry]
    ) throws(StoreError) -> [StoredObject] {
        var walk = FolderWalk(prefix: prefix, after: after, limit: limit)
        let found = try walk.run { (folder) throws(StoreError) in
            if let known = folders[folder] { return known }
            let entries = try read(folder)
            folders[folder] = entries
            return entries
        }
        self.prefix = prefix
        last = found.last?.key
        // Those above the last key have more to give.
        folders = folders.filter { last?.startsWith($0.key) ?? false }
        return found
    }
}
