extension Catalog {
    /// Which catalog this is. One that is made in another's place, as by ``rebuild(datasets:leavingOut:from:)``, has
    /// another identity, and knows no model that was declared before.
    public func identity() async throws(CatalogError) -> String {
        guard let id = try await rows("SELECT id FROM lake.pregao.identity").first?.text("id") else {
            throw CatalogError(
                .corrupt, doing: "read the catalog's identity",
                cause: "pregao.identity is empty; \(SQLiteMetadata.whatToDo)")
        }
        return id
    }
}
