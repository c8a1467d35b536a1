import Lake
import MarketData

extension Catalog {
    /// Takes a compacted file whose objects had expired before the catalog was made anew, and are in its ledger.
    func addExpired(_ file: CompactedFile) async throws(CatalogError) {
        let doing = "read \(file.key) in place of its objects"
        guard let dataset = schema.all[file.dataset], !SQL.hasWildcard(file.location) else {
            throw CatalogError(.refused, doing: doing, cause: "unknown dataset, or a wildcard in \(file.location)")
        }
        try await transaction(doing) { transaction throws(CatalogError) in
            try transaction.run(transaction.insertion(of: file))
            if let fault = try transaction.inputsFault(of: file) {
                throw CatalogError(.refused, doing: doing, cause: fault)
            }
            try transaction.insertExpiration(of: file)
            try transaction.run(SQL.addFile(file.location, toTable: dataset.table, inSchema: "raw"))
            guard try transaction.rowsRead(from: file, in: dataset) == file.rows else {
                throw CatalogError(.refused, doing: doing, cause: "the file has other rows than its objects")
            }
            return .commit(())
        }
    }
}
