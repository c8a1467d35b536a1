import Lake

/// Copies one object from one store to the other where the other's is lost or damaged.
struct ObjectRestorer: Sendable {
    let source: any ObjectStore
    let target: any ObjectStore

    /// - Parameter full: also reads the target's object; else only one that is missing or of another size is damaged.
    /// - Returns: whether it was lost or damaged.
    func restore(_ key: String, size: Int64, sha256: String, full: Bool) async throws(StoreError) -> Bool {
        let found = try await target.size(of: key)
        if found == size {
            guard full, SHA256.hexadecimal(of: try await target.read(key)) != sha256 else { return false }
        }
        let bytes = try await source.read(key)
        guard Int64(bytes.count) == size, SHA256.hexadecimal(of: bytes) == sha256 else {
            throw StoreError(
                .differs, doing: "restore \(key) in \(target.bucket)",
                cause: "what \(source.bucket) has is not what was announced either")
        }
        // The store never writes over an object, so that a damaged one is taken away first.
        if found != nil { try await target.remove(key) }
        try await target.put(bytes, at: key)
        return true
    }
}
