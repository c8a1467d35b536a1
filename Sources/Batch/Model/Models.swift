import MarketData
import Warehouse

/// Models that fit together: every source is a raw table or another of them, and none reads itself through others.
public struct Models: Sendable {
    /// Each model after those that it reads.
    public let inOrder: [Model]
    private let byTable: [TableName: Model]

    /// - Throws: ``ModelFaults`` with every unknown source, cycle and table that two models name.
    public init(_ models: [Model]) throws(ModelFaults) {
        var faults: [ModelFault] = []
        var byTable: [TableName: Model] = [:]
        for model in models where byTable.updateValue(model, forKey: model.table) != nil {
            faults.append(ModelFault(file: model.name, reason: "two models are named \(model.name)"))
        }
        for model in models {
            for source in model.sources where byTable[source] == nil && SourceColumns.ofRaw(source) == nil {
                faults.append(
                    ModelFault(file: model.name, reason: "\(source) is neither a raw table nor another model's"))
            }
        }
        var ordered: [Model] = []
        var remaining = models.sorted { $0.table < $1.table }
        while !remaining.isEmpty, faults.isEmpty {
            let waiting = Set(remaining.map(\.table))
            let ready = remaining.filter { waiting.isDisjoint(with: $0.sources) }
            guard !ready.isEmpty else {
                let names = remaining.map(\.name).joined(separator: ", ")
                faults.append(ModelFault(file: remaining[0].name, reason: "these models read one another: \(names)"))
                break
            }
            ordered += ready
            remaining.removeAll { ready.contains($0) }
        }
        guard faults.isEmpty else { throw ModelFaults(faults) }
        inOrder = ordered
        self.byTable = byTable
    }

    public subscript(_ table: TableName) -> Model? { byTable[table] }

    public subscript(named name: String) -> Model? { TableName(name).flatMap { byTable[$0] } }

    /// What a query may read of a source, raw or refined; empty where there is no such source.
    public func columns(of source: TableName) -> [SourceColumn] {
        byTable[source].map { $0.columns.map { SourceColumn(name: $0.name, type: $0.type.sql) } }
            ?? SourceColumns.ofRaw(source) ?? []
    }
}

extension Models {
    /// What the catalog is told of them.
    public var declarations: [ModelDeclaration] {
        inOrder.map { model in
            ModelDeclaration(
                name: model.name,
                columns: model.columns.map { .init(name: $0.name, type: $0.type.sql, description: $0.description) },
                sources: model.sources.map(\.description), reachDays: model.reachDays)
        }
    }
}

/// A column of a source, as a query sees it.
public struct SourceColumn: Hashable, Sendable {
    public let name: String
    /// An SQL type.
    public let type: String
}

enum SourceColumns {
    /// A raw table's columns: the dataset's, then the row's position in the log; nil where there is no such table.
    static func ofRaw(_ table: TableName) -> [SourceColumn]? {
        guard let dataset = dataset(of: table) else { return nil }
        return dataset.columns.map { SourceColumn(name: $0.name, type: sql($0.type)) } + [
            SourceColumn(name: "_partition", type: "INTEGER"), SourceColumn(name: "_offset", type: "BIGINT"),
        ]
    }

    static func dataset(of table: TableName) -> Dataset? {
        guard table.isRaw else { return nil }
        return Datasets.all.first { $0.table == table.table }
    }

    private static func sql(_ type: ColumnType) -> String {
        ModelColumnType(rawValue: type.rawValue)?.sql ?? "VARCHAR"
    }
}
