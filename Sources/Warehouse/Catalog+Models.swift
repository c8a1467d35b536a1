import MarketData

/// A refined table, and what it is computed from.
public struct ModelDeclaration: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public let name: String
        /// The SQL type, such as `DECIMAL(38,18)`.
        public let type: String
        public let description: String

        public init(name: String, type: String, description: String) {
            self.name = name
            self.type = type
            self.description = description
        }
    }

    /// Schema and table: `refined.quotes_1m`.
    public let name: String
    /// One of them is `trading_day` DATE, by which the table is replaced.
    public let columns: [Column]
    /// `raw.quotes`, or another model's name.
    public let sources: [String]
    /// How many days before its own a day of the model reads.
    public let reachDays: Int

    public init(name: String, columns: [Column], sources: [String], reachDays: Int = 0) {
        self.name = name
        self.columns = columns
        self.sources = sources
        self.reachDays = reachDays
    }
}

/// A table's schema and name.
struct TableName: Hashable, Sendable {
    let schema: String
    let table: String

    /// Reads `schema.table`. The ledger's own schema, and raw, are no model's.
    init(ofModel name: String) throws(CatalogError) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, parts[0] != "pregao", parts[0] != "raw",
            !name.contains("\0")
        else {
            throw CatalogError(.refused, doing: "read the model's name \(name)", cause: "it is not <schema>.<table>")
        }
        schema = parts[0]
        table = parts[1]
    }

    var sql: String { "lake.\(SQL.identifier(schema)).\(SQL.identifier(table))" }
}

extension Catalog {
    /// Makes each model's table, or adds the columns that it lacks, and records what it reads. A new model, or a new
    /// source of one, makes every day that its sources hold dirty; another reach those days that see more or less by it.
    /// Models that are not named stay.
    public func declare(_ models: [ModelDeclaration]) async throws(CatalogError) {
        for model in models { _ = try TableName(ofModel: model.name) }
        guard try await !isDeclared(models) else { return }
        try await transaction("declare \(models.map(\.name).joined(separator: ", "))") {
            transaction throws(CatalogError) in
            let tables = try TableColumns(transaction.run(LedgerTables.columnsQuery))
            var known = try DeclaredSources(transaction.run(DeclaredSources.query))
            var dirty = DirtChanges()
            for model in models {
                try transaction.run(try model.tableStatements(missingFrom: tables).joined(separator: "\n"))
                let changes = known.changes(by: model)
                if known.update(to: model) { try transaction.write(model) }
                for day in try transaction.days(of: model, changedBy: changes) {
                    dirty.add(model.name, day, ChangedTimes(all: day))
                }
            }
            try transaction.merge(dirty)
            return .commit(())
        }
    }

    /// Whether there is nothing to write for these models.
    private func isDeclared(_ models: [ModelDeclaration]) async throws(CatalogError) -> Bool {
        let found = try await rows(LedgerTables.columnsQuery + "\n" + DeclaredSources.query)
        let tables = try TableColumns(found.filter { $0["column_name"] != nil })
        var known = try DeclaredSources(found.filter { $0["source"] != nil })
        for model in models {
            if known.update(to: model) { return false }
            if try !model.tableStatements(missingFrom: tables).isEmpty { return false }
        }
        return true
    }

    /// What has changed and is not yet published, by model and day.
    public func dirt(of model: String? = nil, snapshot: Int64? = nil) async throws(CatalogError) -> [Dirt] {
        try await read(Dirt.query(of: model), snapshot, Dirt.init(row:))
    }

    /// Marks days of a model dirty, whole, so that they are computed again.
    public func markDirty(model: String, days: [Day]) async throws(CatalogError) {
        guard !days.isEmpty else { return }
        try await transaction("mark \(model) dirty") { transaction throws(CatalogError) in
            var dirty = DirtChanges()
            for day in days { dirty.add(model, day, ChangedTimes(all: day)) }
            try transaction.merge(dirty)
            return .commit(())
        }
    }
}

/// What the table `models` holds.
private struct DeclaredSources {
    static let query = "SELECT model, source, reach_days FROM lake.pregao.models;"

    private var reaches: [String: [String: Int]] = [:]

    init(_ rows: [Row]) throws(CatalogError) {
        for row in rows {
            reaches[try row.requiredText("model"), default: [:]][try row.requiredText("source")] =
                Int(try row.requiredInteger("reach_days"))
        }
    }

    /// By source, what a day of the model sees of it that it did not see before, or no longer sees.
    func changes(by model: ModelDeclaration) -> [String: ClosedRange<Int>] {
        var changes: [String: ClosedRange<Int>] = [:]
        for source in model.sources {
            guard let before = reaches[model.name]?[source] else {
                changes[source] = 0...model.reachDays
                continue
            }
            guard before != model.reachDays else { continue }
            changes[source] = min(before, model.reachDays) + 1...max(before, model.reachDays)
        }
        return changes
    }

    /// - Returns: whether anything changed.
    mutating func update(to model: ModelDeclaration) -> Bool {
        let declared = Dictionary(model.sources.map { ($0, model.reachDays) }) { first, _ in first }
        defer { reaches[model.name] = declared }
        return reaches[model.name] != declared
    }
}

extension ModelDeclaration {
    fileprivate func tableStatements(missingFrom tables: TableColumns) throws(CatalogError) -> [String] {
        let name = try TableName(ofModel: name)
        if let present = tables[name.schema, name.table] {
            return columns.filter { !present.contains($0.name) }.map {
                "ALTER TABLE \(name.sql) ADD COLUMN \(SQL.identifier($0.name)) \($0.type);"
            }
        }
        return ["CREATE SCHEMA IF NOT EXISTS lake.\(SQL.identifier(name.schema));"] + columns.creation(of: name)
    }
}

extension [ModelDeclaration.Column] {
    /// The statements that make a table of these columns.
    func creation(of table: TableName) -> [String] {
        let list = map { "\(SQL.identifier($0.name)) \($0.type)" }.joined(separator: ", ")
        let comments = map {
            "COMMENT ON COLUMN \(table.sql).\(SQL.identifier($0.name)) IS \(SQL.literal($0.description));"
        }
        return ["CREATE TABLE \(table.sql) (\(list));"] + comments
    }
}

extension Transaction {
    /// The days that the model's sources hold and that see another part of them now.
    ///
    /// - Parameter changes: by source, how many days before a day that part lies.
    fileprivate mutating func days(of model: ModelDeclaration, changedBy changes: [String: ClosedRange<Int>])
        throws(CatalogError) -> Set<Day>
    {
        guard !changes.isEmpty else { return [] }
        var held: [String: [Day]] = [:]
        for source in model.sources { held[source] = try days(of: source) }
        let all = Set(held.values.joined())
        var changed: Set<Day> = []
        for (source, distances) in changes {
            for day in held[source] ?? [] { changed.formUnion(distances.map { day.adding(days: $0) }) }
        }
        return changed.intersection(all)
    }

    fileprivate mutating func write(_ model: ModelDeclaration) throws(CatalogError) {
        let rows = Set(model.sources).sorted().map {
            "(\(SQL.literal(model.name)), \(SQL.literal($0)), \(model.reachDays))"
        }
        try run("DELETE FROM lake.pregao.models WHERE model = \(SQL.literal(model.name));")
        guard !rows.isEmpty else { return }
        try run("INSERT INTO lake.pregao.models VALUES \(rows.joined(separator: ", "));")
    }
}
