import MarketData
import Warehouse

/// A model tried on the engine: its query against the declared columns, and each of its examples.
public struct ModelTrial: Sendable {
    public let model: Model
    public let models: Models

    public init(_ model: Model, of models: Models) {
        self.model = model
        self.models = models
    }

    /// - Returns: what is wrong, each in a sentence; empty where the model does what it declares.
    /// - Throws: where the engine cannot be run; what it says of the model's SQL is a fault.
    public func faults(on engine: DuckDB) async throws(CatalogError) -> [ModelFault] {
        do throws(CatalogError) {
            let shape = try await shapeFaults(engine)
            guard shape.isEmpty else { return shape }
            var faults: [ModelFault] = []
            for example in model.examples {
                let difference = try await engine.difference(
                    statements(of: example), doing: "run example \"\(example.name)\"")
                if !difference.isEmpty { faults.append(fault("example \"\(example.name)\": \(difference)")) }
            }
            return faults
        } catch {
            guard error.kind == .sql else { throw error }
            return [fault("\(error)")]
        }
    }

    private func fault(_ reason: String) -> ModelFault { ModelFault(file: model.name, reason: reason) }

    /// The query's columns, by name and type, must be the declared ones; a type that is cast silently could round.
    private func shapeFaults(_ engine: DuckDB) async throws(CatalogError) -> [ModelFault] {
        let script = ModelScript(model: model, of: models, day: Day(daysSinceEpoch: 0), files: [:])
        let found = try await engine.shape(
            script.sourceStatements() + "\nDESCRIBE \(model.query)\n;", doing: "describe the query")
        var faults: [ModelFault] = []
        for column in model.columns {
            let type = found.first { $0.name == column.name }?.type
            guard type != column.type.sql else { continue }
            faults.append(
                fault("column \(column.name) is \(type ?? "not in the query"), declared \(column.type.sql)"))
        }
        for (name, _) in found where !model.columns.contains(where: { $0.name == name }) {
            faults.append(fault("the query's column \(name) is not declared"))
        }
        return faults
    }

    /// Statements that run the model over the example's rows and compare; see ``Recomputation/statements()``.
    func statements(of example: Example) -> String {
        let sources = ModelScript.statements(sources: model.sources) { source in
            let rows = (example.given[source] ?? []).map { onDay(example.day, $0) }
            return SQLText.relation(rows: rows, columns: models.columns(of: source))
        }
        let script = ModelScript(model: model, of: models, day: example.day, files: [:])
        let columns = model.columns.map { SourceColumn(name: $0.name, type: $0.type.sql) }
        let expected = SQLText.relation(rows: example.expected.map { onDay(example.day, $0) }, columns: columns)
        return sources + "\n" + Difference.statements(expected: expected, actual: script.rows())
    }

    private func onDay(_ day: Day, _ row: Example.Row) -> Example.Row {
        row.keys.contains("trading_day") ? row : row.merging(["trading_day": day.description]) { $1 }
    }
}
