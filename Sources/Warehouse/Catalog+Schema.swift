import Foundation
import MarketData

extension Catalog {
    /// Makes the catalog ready: its schemas and tables, and the datasets' raw tables with the columns of their newest
    /// versions. What is there stays; opening an up-to-date catalog writes nothing.
    ///
    /// - Throws: ``CatalogError/Kind/unavailable`` where there is no catalog and `create` is false, or the folder
    ///   cannot be written; ``CatalogError/Kind/corrupt`` where the file is damaged or no catalog;
    ///   ``CatalogError/Kind/refused`` where the place holds something of somebody else's.
    public func open(datasets: [Dataset], create: Bool) async throws(CatalogError) {
        schema.replace(by: datasets)
        if try await !exists() {
            guard create else { throw metadata.absence }
            try metadata.makeFolders()
            let turn = try await takeTurn("make the catalog")
            if try await !exists() { return try await makeWhole(holding: turn) }
        }
        try metadata.check()
        try await upgrade()
    }

    /// Makes an empty catalog beside its place and moves it there, so that one that is there is whole.
    private func makeWhole(holding turn: any Turn) async throws(CatalogError) {
        try await metadata.checkPlace(engine: engine, patience: patience)
        let replacement = self.replacement()
        try await replacement.metadata.remove(engine: engine, patience: patience, holding: turn)
        try await replacement.make(inheriting: turn)
        try await metadata.replace(by: replacement.metadata, holding: turn)
    }

    /// The catalog that is to take this one's place.
    func replacement() -> Catalog {
        Catalog(
            metadata: metadata.replacement, engine: engine, clock: clock, logger: logger, metrics: metrics,
            patience: patience, schema: schema, beforeCommit: { _ in })
    }

    /// Makes a catalog with every table, all empty.
    func make(inheriting turn: any Turn) async throws(CatalogError) {
        try await turn.confirmed()
        let start = engine.preamble + metadata.attachment(for: .create, engine: engine, patience: patience)
        defer { withExtendedLifetime(turn) {} }
        let tables = LedgerTables.creation + "\n" + rawStatements(missingFrom: TableColumns()).joined(separator: "\n")
        try await onThread(within: patience.transaction) {
            [engine, metadata, descriptor = turn.descriptor] handle throws(CatalogError) in
            var session = try EngineSession(
                engine, doing: "make the catalog \(metadata.name)", handle: handle, inheriting: descriptor)
            try session.run(start + "\n" + LedgerTables.schemas)
            try session.run("BEGIN;\n\(tables)\nCOMMIT")
            session.close()
        }
    }

    /// Adds the tables and columns that are missing, in one transaction, or none.
    func upgrade() async throws(CatalogError) {
        let doing = "open the catalog \(metadata.name)"
        let found: [Row]
        do throws(CatalogError) {
            found = try await engine.run(
                attachScript(readOnly: true) + LedgerTables.columnsQuery, doing: doing, within: patience.transaction)
        } catch  where error.kind == .sql || error.kind == .corrupt || error.isOfNoCatalog {
            throw CatalogError(.corrupt, doing: doing, cause: "\(error.cause); \(SQLiteMetadata.whatToDo)")
        }
        let tables = try TableColumns(found)
        guard tables["pregao", "turn"] != nil else {
            throw CatalogError(.corrupt, doing: doing, cause: "it has no table pregao.turn; \(SQLiteMetadata.whatToDo)")
        }
        guard !statements(missingFrom: tables).isEmpty else { return }
        try await transaction("add tables and columns") { [self] transaction throws(CatalogError) in
            let now = try TableColumns(transaction.run(LedgerTables.columnsQuery))
            let statements = statements(missingFrom: now)
            guard !statements.isEmpty else { return .abandon(()) }
            try transaction.run(statements.joined(separator: "\n"))
            return .commit(())
        }
    }

    private func statements(missingFrom tables: TableColumns) -> [String] {
        (tables["pregao", "compactions"] == nil ? [LedgerTables.compaction] : [])
            + (tables["pregao", "identity"] == nil ? [LedgerTables.identity] : [])
            + (tables["pregao", "expirations"] == nil ? [LedgerTables.expiration] : [])
            + rawStatements(missingFrom: tables)
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

    init() {}

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
