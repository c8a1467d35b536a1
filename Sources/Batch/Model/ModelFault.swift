/// Something wrong with a model, and where.
public struct ModelFault: Hashable, Sendable, CustomStringConvertible {
    /// The file's name, or the model's where no file is known.
    public let file: String
    /// From 1; nil where the fault is the whole file's.
    public let line: Int?
    public let column: Int?
    public let reason: String

    public init(file: String, line: Int? = nil, column: Int? = nil, reason: String) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
    }

    /// `quotes_1m.yml:3:9: …`
    public var description: String {
        ([file] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":") + ": " + reason
    }
}

/// Every fault found, at once.
public struct ModelFaults: Error, Sendable, CustomStringConvertible {
    public let faults: [ModelFault]

    public init(_ faults: [ModelFault]) { self.faults = faults }

    public var description: String { faults.map(\.description).joined(separator: "\n") }
}
