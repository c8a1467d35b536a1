import Foundation
import MarketData

extension Catalog {
    /// Makes the catalog ready: its schemas and tables, and the datasets' raw tables with the columns of their newest
    /// versions. What is there stays; opening an up-to-date catalog writes nothing.
    ///
    /// - Throws: ``CatalogError/Kind/unavailable`` where there is no catalog and `create` is false, or the folder
    ///   cannot be written; ``CatalogError/Kind/corrupt`` where the file is damaged or no catalog.
    public func open(datasets: [Dataset], create: Bool) async throws(CatalogError) {
        schema.replace(by: datasets)
        if try firstBytes(of: metadataPath)?.isEmpty ?? true {
            guard create else { return try checkFile() }
            try await make(at: metadataPath)
        }
        try checkFile()
        try await upgrade(metadataPath)
    }

    /// Makes an empty catalog in the file. A file that another process makes at the same time is left as it is.
    func make(at path: String) async throws(CatalogError) {
        do {
            try FileManager.default.createDirectory(atPath: dataPath, withIntermediateDirectories: true)
        } catch {
            throw CatalogError(.unavailable, doing: "make the catalog's folder \(folder)", cause: "\(error)")
        }
        let lock = try await takeTurn("make the catalog")
        let start = engine.preamble + attachScript(metadataPath: path, readOnly: false)
        try await onThread { [engine] handle throws(CatalogError) in
            var session = try EngineSession(
                engine, doing: "make the catalog \(path)", handle: handle, inheriting: lock.descriptor)
            try session.run(start)
            try session.run("BEGIN;\n\(LedgerTables.creation)\nCOMMIT")
            session.close()
        }
    }

    /// Adds the tables and columns that are missing, in one transaction, or none.
    func upgrade(_ path: String) async throws(CatalogError) {
        let doing = "open the catalog \(path)"
        let found: [Row]
        do throws(CatalogError) {
            found = try await engine.run(
                attachScript(metadataPath: path, readOnly: true) + LedgerTables.columnsQuery, doing: doing)
        } catch  where error.kind == .sql {
            throw CatalogError(.corrupt, doing: doing, cause: "\(error.cause); \(Self.whatToDo)")
        } catch  where error.kind == .corrupt {
            throw CatalogError(.corrupt, doing: doing, cause: "\(error.cause); \(Self.whatToDo)")
        }
        let tables = try TableColumns(found)
        guard tables["pregao", "turn"] != nil else {
            throw CatalogError(.corrupt, doing: doing, cause: "it has no table pregao.turn; \(Self.whatToDo)")
        }
        guard !rawStatements(missingFrom: tables).isEmpty else { return }
        try await transaction("add raw tables and columns", on: path) { [self] transaction throws(CatalogError) in
            let now = try TableColumns(transaction.run(LedgerTables.columnsQuery))
            let statements = rawStatements(missingFrom: now)
            guard !statements.isEmpty else { return .abandon(()) }
            try transaction.run(statements.joined(separator: "\n"))
            return .commit(())
        }
    }

    /// What makes the raw tables hold every column of the declared datasets; all are nullable in the catalog.
    func rawStatements(missingFrom tables: TableColumns, datasets: [Dataset]? = nil) -> [String] {
        let datasets = (datasets ?? Array(schema.all.values)).sorted { $0.name < $1.name }
        return datasets.flatMap { dataset -> [String] in
            let columns = dataset.rawColumns
            guard let present = tables["raw", dataset.table] else {
                let list = columns.map { "\(SQL.identifier($0.name)) \($0.type)" }.joined(separator: ", ")
                return ["CREATE TABLE \(dataset.rawTable) (\(list));"]
            }
            return columns.filter { !present.contains($0.name) }.map {
                "ALTER TABLE \(dataset.rawTable) ADD COLUMN \(SQL.identifier($0.name)) \($0.type);"
            }
        }
    }
}

/// The columns of each table of the catalog.
struct TableColumns {
    private var columns: [String: Set<String>] = [:]

    init(_ rows: [Row]) throws(CatalogError) {
        for row in rows {
            let table = "\(try row.requiredText("schema_name")).\(try row.requiredText("table_name"))"
            columns[table, default: []].insert(try row.requiredText("column_name"))
        }
    }

    subscript(schema: String, table: String) -> Set<String>? { columns["\(schema).\(table)"] }
}

extension Dataset {
    /// `lake.raw."index_portfolio"`
    var rawTable: String { "lake.raw.\(SQL.identifier(table))" }

    /// `raw.index_portfolio`, as models name what they read.
    var sourceName: String { "raw.\(table)" }

    /// The dataset's columns, then the row's position in the log.
    var rawColumns: [(name: String, type: String)] {
        columns.map { ($0.name, $0.type.sqlName) } + [("_partition", "INTEGER"), ("_offset", "BIGINT")]
    }
}
