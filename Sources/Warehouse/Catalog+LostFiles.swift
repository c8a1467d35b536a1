import MarketData

extension Catalog {
    /// The files that these publications replace and that cannot be read; where there is one, also the others of its
    /// model.
    ///
    /// DuckLake replaces rows by reading them, and so cannot let go of a file that is lost. The table is then made again
    /// from the files that are left, and the days of the others are dirty.
    func unreadableFiles(replacedBy publications: [Publication]) async throws(CatalogError) -> Set<String> {
        var unreadable: Set<String> = []
        for (model, ofModel) in Dictionary(grouping: publications, by: \.model) {
            let published = try await self.publications(of: model)
            let days = Set(ofModel.map(\.day))
            var found: Set<String> = []
            for path in published.filter({ days.contains($0.day) }).compactMap(\.path) {
                // Every column: what is damaged may be any.
                let reading = "SELECT max(hash(file)) FROM read_parquet(\(SQL.literal(path)), "
                if try await !canRun(reading + "hive_partitioning = false) file") { found.insert(path) }
            }
            guard !found.isEmpty else { continue }
            unreadable.formUnion(found)
            unreadable.formUnion(try await withoutFooter(published.compactMap(\.path).filter { !found.contains($0) }))
        }
        return unreadable
    }

    /// Those of the files that could not be added to a table again, which reads their ends. Halves are asked until the
    /// bad ones are alone, since the engine's answer is for all.
    private func withoutFooter(_ paths: [String]) async throws(CatalogError) -> Set<String> {
        guard !paths.isEmpty else { return [] }
        let list = paths.map { SQL.literal($0) }.joined(separator: ", ")
        if try await canRun("SELECT count(*) FROM parquet_file_metadata([\(list)])") { return [] }
        guard paths.count > 1 else { return Set(paths) }
        let middle = paths.count / 2
        return try await withoutFooter(Array(paths[..<middle])).union(try await withoutFooter(Array(paths[middle...])))
    }

    /// - Throws: where the engine cannot be started at all.
    private func canRun(_ query: String) async throws(CatalogError) -> Bool {
        do throws(CatalogError) {
            _ = try await engine.run(query, doing: "look whether published files can be read")
            return true
        } catch {
            // A mount or a store that does not answer tells nothing of what it holds.
            guard !error.isOfSilentStore, error.kind != .unavailable || error.isOfAbsentFile else { throw error }
            // An engine that another file reads well is at fault for none.
            _ = try await engine.run("SELECT 1", doing: "look whether the engine runs")
            return false
        }
    }
}

extension Transaction {
    /// Makes a model's table again from its published files but those; their days become dirty, but for those that are
    /// published now.
    mutating func remakeTable(of model: String, without unreadable: Set<String>, publishing: Set<ModelDay>)
        throws(CatalogError)
    {
        let name = try TableName(ofModel: model)
        let columns = try run(
            """
            SELECT column_name, data_type, comment FROM duckdb_columns()
            WHERE database_name = 'lake' AND schema_name = \(SQL.literal(name.schema))
                AND table_name = \(SQL.literal(name.table)) ORDER BY column_index
            """)
        var declared: [ModelDeclaration.Column] = []
        for row in columns {
            declared.append(
                .init(
                    name: try row.requiredText("column_name"), type: try row.requiredText("data_type"),
                    description: row.text("comment") ?? ""))
        }
        var statements = ["DROP TABLE \(name.sql);"] + declared.creation(of: name)
        var dirty = DirtChanges()
        let published = try run(
            "SELECT \(PublishedDay.columns) FROM lake.pregao.publications WHERE model = \(SQL.literal(model))")
        for row in published {
            let day = try PublishedDay(row: row)
            guard let path = day.path else { continue }
            if !unreadable.contains(path) {
                statements.append(SQL.addFile(path, toTable: name.table, inSchema: name.schema))
            } else if !publishing.contains(ModelDay(model: model, day: day.day)) {
                dirty.add(model, day.day, ChangedTimes(all: day.day))
            }
        }
        try run(statements.joined(separator: "\n"))
        try merge(dirty)
    }
}
