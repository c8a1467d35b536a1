import MarketData
import Warehouse

/// A published day computed again from the inputs that were recorded with it, and compared, `EXCEPT ALL` both ways.
public struct Recomputation: Sendable {
    public enum Outcome: Hashable, Sendable {
        case compared(Difference)
        /// The file was computed by another definition of the model than today's; nothing can be said of its rows.
        case otherDefinition(String)
    }

    public let model: Model
    public let models: Models
    public let day: Day
    /// By source, the locations of the recorded inputs.
    public let inputs: [TableName: [String]]
    /// The published file's location; nil where the day was published without a row.
    public let published: String?

    public init(model: Model, of models: Models, day: Day, inputs: [TableName: [String]], published: String?) {
        self.model = model
        self.models = models
        self.day = day
        self.inputs = inputs
        self.published = published
    }

    /// Statements whose last gives one row: `missing` and `surplus` counts, `missing_sample`, `surplus_sample`.
    public func statements() -> String {
        let script = ModelScript(model: model, of: models, day: day, files: inputs)
        let columns = model.columns.map { SourceColumn(name: $0.name, type: $0.type.sql) }
        let actual = SQLText.relation(files: published.map { [$0] } ?? [], columns: columns)
        return script.sourceStatements() + "\n" + Difference.statements(expected: script.rows(), actual: actual)
    }

    public func run(on engine: DuckDB) async throws(CatalogError) -> Outcome {
        if let definition = published.flatMap(RefinedFileName.definition(inPath:)), definition != model.definition {
            return .otherDefinition(definition)
        }
        return .compared(try await engine.difference(statements(), doing: "compute \(model.name)@\(day) again"))
    }
}
