import MarketData
import YAML

/// A model as read from its two files, with the places that are checked against other models.
struct ModelDocument {
    let file: String
    let model: Model
    let sources: [(table: TableName, mark: YAMLMark)]
    /// The columns that the examples give, by source.
    let givenColumns: [TableName: [(column: String, mark: YAMLMark)]]

    /// - Parameter name: the files' name without its ending; the table's name must be the same.
    /// - Returns: nil, with the reader's faults, where the model cannot be made.
    static func read(_ root: YAMLNode, query: String, name: String, reader: inout DocumentReader) -> ModelDocument? {
        guard
            let fields = reader.mapping(
                root, "a model",
                required: ["table", "description", "sources", "partitions", "grain", "columns", "examples"],
                optional: ["reach", "window", "due", "refresh", "checks"])
        else { return nil }
        var parts = ModelParts(fields: fields, name: name)
        parts.readAll(&reader)
        guard reader.faults.isEmpty, let table = parts.table else { return nil }
        let model = Model(
            table: table, description: parts.description, columns: parts.columns, grain: parts.grain,
            sources: parts.sources.map(\.table), reachDays: parts.reachDays, window: parts.window, due: parts.due,
            refresh: parts.refresh, checks: parts.checks, examples: parts.examples, query: query)
        return ModelDocument(
            file: reader.file, model: model, sources: parts.sources, givenColumns: parts.givenColumns)
    }

    func fault(_ mark: YAMLMark, _ reason: String) -> ModelFault {
        ModelFault(file: file, line: mark.line, column: mark.column, reason: reason)
    }
}
