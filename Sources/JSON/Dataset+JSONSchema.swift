import MarketData

extension Dataset {
    /// The JSON Schema (draft 2020-12) of the dataset's messages, indented, with a newline at its end.
    public func jsonSchema() -> String {
        let members = [Self.versionSchema(version)] + columns.map(\.memberSchema)
        let required = ["version"] + columns.filter { !$0.isNullable }.map(\.name)
        return """
            {
              "$schema": "https://json-schema.org/draft/2020-12/schema",
              "$id": "urn:pregao:\(name):\(version)",
              "title": \(quoted(topic)),
              "description": \(quoted(description)),
              "type": "object",
              "required": [\(required.map(quoted).joined(separator: ", "))],
              "properties": {
            \(members.map { "    " + $0 }.joined(separator: ",\n"))
              }
            }

            """
    }

    private static func versionSchema(_ version: Int) -> String {
        """
        "version": {"type": "integer", "minimum": 1, "maximum": \(version), \
        "description": "The version of the schema that the message was written by."}
        """
    }
}

extension Column {
    fileprivate var memberSchema: String {
        let form =
            switch type {
            case .text: #""type": "string""#
            case .integer:
                #""type": "integer", "minimum": -9223372036854775808, "maximum": 9223372036854775807"#
            case .decimal: #""type": "string", "pattern": "^-?(0|[1-9][0-9]{0,19})([.][0-9]{1,18})?$""#
            case .instant:
                #""type": "string", "format": "date-time", "#
                    + #""pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z$""#
            case .day: #""type": "string", "format": "date""#
            case .boolean: #""type": "boolean""#
            }
        let words = since > 1 ? "\(description) Since version \(since)." : description
        return "\(quoted(name)): {\(form), \"description\": \(quoted(words))}"
    }
}

private func quoted(_ text: String) -> String {
    String(decoding: JSONValue.string(text).bytes, as: UTF8.self)
}
