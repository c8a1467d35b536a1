/// What a key may be, in every store: a plain relative path.
enum ObjectKey {
    /// - Throws: ``StoreError/Kind/forbiddenKey`` where `key` is not a plain relative path that stays inside the store.
    static func check(_ key: String, doing: String) throws(StoreError) {
        if let fault = fault(of: key) { throw StoreError(.forbiddenKey, doing: doing, cause: fault) }
    }

    private static func fault(of key: String) -> String? {
        if key.isEmpty { return "the key is empty" }
        // S3 refuses longer keys: "a sequence of Unicode characters whose UTF-8 encoding is at most 1,024 bytes".
        if key.utf8.count > 1024 { return "the key is longer than 1,024 bytes" }
        if key.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return "the key has a control character" }
        for part in key.split(separator: "/", omittingEmptySubsequences: false) {
            switch part {
            case "": return "the key is absolute or has an empty part"
            case ".", "..": return "the key has the part \(part)"
            case temporaryFolder where part.startIndex == key.startIndex: return "\(part) is the store's own"
            default: break
            }
            if part.utf8.count > 255 { return "a part of the key is longer than 255 bytes" }
        }
        return nil
    }

    /// Where a local store keeps what is not yet an object.
    static let temporaryFolder = ".tmp"
}

extension String {
    /// Compares bytes, as keys are ordered; Swift's own order compares canonically equivalent characters as equal.
    func isBefore(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }

    /// Compares bytes, as prefixes of keys are meant.
    func startsWith(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
}
