extension Catalog {
    /// Which of these refined or compacted files the catalog has taken, ever: those that a table reads, and those that
    /// were replaced, however long ago, until the sweep has removed them. The others are of a run that died before its
    /// transaction, or that was discarded.
    ///
    /// - Parameter keys: as ``refinedFilesShown(among:since:)`` takes them.
    public func filesTaken(among keys: [String]) async throws(CatalogError) -> Set<String> {
        guard !keys.isEmpty else { return [] }
        // What only expired snapshots showed is in DuckLake's list of files to be deleted.
        let found = try await rows(
            """
            SELECT DISTINCT key FROM (
                SELECT \(EngineSession.key) AS key FROM \(metadata.tables).ducklake_data_file
                UNION ALL
                SELECT \(EngineSession.key) FROM \(metadata.tables).ducklake_files_scheduled_for_deletion
                UNION ALL
                SELECT \(EngineSession.key) FROM lake.pregao.publications
            ) WHERE key IN \(SQL.list(keys)) ORDER BY key;
            """)
        return try EngineSession.keys(in: found)
    }
}
