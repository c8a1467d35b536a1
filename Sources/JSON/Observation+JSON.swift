import MarketData

extension Observation {
    /// The message's value: `version`, then the columns of that version in their order, a null one left out.
    ///
    /// - Parameter version: the schema's; the dataset's newest where nil.
    public func json(version: Int? = nil) -> [UInt8] {
        var writer = JSONWriter(reserving: 384)
        write(to: &writer, version: version)
        return writer.bytes
    }

    /// Appends what ``json(version:)`` gives.
    public func write(to writer: inout JSONWriter, version: Int? = nil) {
        let version = version ?? dataset.version
        writer.beginObject()
        writer.name("version")
        writer.integer(version)
        for (column, value) in zip(dataset.columns, values) where column.since <= version && value != .null {
            writer.name(column.name)
            writer.value(value)
        }
        writer.endObject()
    }
}

extension JSONWriter {
    /// A column's value in its dataset's JSON form.
    public mutating func value(_ value: Value) {
        switch value {
        case .null: null()
        case .text(let text): string(text)
        case .integer(let number): integer(number)
        case .decimal(let number): decimal(number)
        case .instant(let instant): self.instant(instant)
        case .day(let day): self.day(day)
        case .boolean(let flag): boolean(flag)
        }
    }
}

/// Why bytes are not a message of a dataset.
public enum MessageFault: Error, Hashable, Sendable {
    case json(JSONFault)
    /// `version` is missing or not a positive integer.
    case noVersion
    /// The message was written by a newer program.
    case newerVersion(Int)
    /// The member is not in the form of its column's type.
    case wrongForm(column: String)
    case observation(ObservationFault)
}

extension Observation {
    /// Reads what ``json(version:)`` writes. Members that the dataset does not know are allowed.
    public init(dataset: Dataset, parsing json: [UInt8]) throws(MessageFault) {
        let document: JSONDocument
        do { document = try JSONDocument(parsing: json) } catch { throw .json(error) }
        guard document.root.object != nil else { throw .json(.notAnObject) }
        guard let version = document["version"]?.int64, version > 0 else { throw .noVersion }
        guard version <= dataset.version else { throw .newerVersion(Int(version)) }
        var named: [String: Value] = [:]
        for column in dataset.columns(ofVersion: Int(version)) {
            guard let member = document[column.name], !member.isNull else { continue }
            guard let value = Value(member, as: column.type) else { throw .wrongForm(column: column.name) }
            named[column.name] = value
        }
        do { self = try Observation(dataset, named) } catch { throw .observation(error) }
    }
}

extension Value {
    init?(_ json: JSONValue, as type: ColumnType) {
        let value: Value? =
            switch type {
            case .text: json.string.map { .text($0) }
            case .integer: json.int64.map { .integer($0) }
            case .decimal: json.string.flatMap { try? Decimal(parsing: $0) }.map { .decimal($0) }
            case .instant: json.string.flatMap { Instant(rfc3339: $0) }.map { .instant($0) }
            case .day: json.string.flatMap { Day($0) }.map { .day($0) }
            case .boolean: json.bool.map { .boolean($0) }
            }
        guard let value else { return nil }
        self = value
    }
}
