import Warehouse

extension DuckDB {
    /// Runs the statements of ``Difference``.
    func difference(_ script: String, doing: String) async throws(CatalogError) -> Difference {
        let row = try await run(script, doing: doing).last
        guard let missing = row?.integer("missing"), let surplus = row?.integer("surplus") else {
            throw CatalogError(.engine, doing: doing, cause: "no counts in the answer")
        }
        return Difference(
            missing: missing, surplus: surplus, missingSample: row?.text("missing_sample"),
            surplusSample: row?.text("surplus_sample"))
    }

    /// Runs statements whose last is a DESCRIBE.
    func shape(_ script: String, doing: String) async throws(CatalogError) -> [(name: String, type: String)] {
        try await run(script, doing: doing).compactMap { row in
            guard let name = row.text("column_name"), let type = row.text("column_type") else { return nil }
            return (name, type)
        }
    }
}
