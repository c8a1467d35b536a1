import Lake

/// Copies one raw object back from backup where it is lost or damaged.
struct ObjectRestorer: Sendable {
    let raw: any ObjectStore
    let backup: any ObjectStore

    /// - Parameter full: also reads the raw object; else only one that is missing or of another size is damaged.
    /// - Returns: whether it was lost or damaged.
    func restore(_ key: String, size: Int64, sha256: String, full: Bool) async throws(StoreError) -> Bool {
        let found = try await raw.size(of: key)
        if found == size {
            guard full, SHA256.hexadecimal(of: try await raw.read(key)) != sha256 else { return false }
        }
        let bytes = try await backup.read(key)
        guard Int64(bytes.count) == size, SHA256.hexadecimal(of: bytes) == sha256 else {
            throw StoreError(
                .differs, doing: "restore \(key)", cause: "the backup is not what was announced either")
        }
        // The store never writes over an object, so that a damaged one is taken away first.
        if found != nil { try await raw.remove(key) }
        try await raw.put(bytes, at: key)
        return true
    }
}
