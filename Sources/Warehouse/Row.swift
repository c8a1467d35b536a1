import JSON
import MarketData

/// One row of an answer: its columns in the query's order.
///
/// Decimals, huge integers, dates and times are strings, as the engine writes them, so that nothing is rounded.
public struct Row: Hashable, Sendable {
    public let members: [JSONMember]

    public init(members: [JSONMember]) { self.members = members }

    public var names: [String] { members.map(\.name) }

    /// The column's value; nil where there is no such column.
    public subscript(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }

    /// nil for NULL, or where the column is no text.
    public func text(_ name: String) -> String? { self[name]?.string }

    /// nil for NULL, or where the column is no integer of 64 bits.
    public func integer(_ name: String) -> Int64? { self[name]?.int64 }

    public func day(_ name: String) -> Day? { text(name).flatMap { Day($0) } }

    /// A time that the query gave in microseconds since 1970: `epoch_us(observed_at)`.
    public func instant(microseconds name: String) -> Instant? { integer(name).map { Instant(microseconds: $0) } }
}

extension Row {
    /// Reads a line of the engine's output mode `jsonlines`.
    init(jsonLine line: ArraySlice<UInt8>) throws(CatalogError) {
        do throws(JSONFault) {
            let document = try line.withUnsafeBytes { bytes in
                Result { () throws(JSONFault) in try JSONDocument(parsing: bytes, maximumBytes: 1 << 28) }
            }.get()
            guard case .object(let members) = document.root else { throw .notAnObject }
            self.members = members
        } catch {
            // Two columns of one name end here too, and NaN or an infinity, which JSON cannot say.
            throw CatalogError(.engine, doing: "read the engine's answer", cause: "\(error)")
        }
    }

    func requiredText(_ name: String) throws(CatalogError) -> String { try required(name, text(name)) }

    func requiredInteger(_ name: String) throws(CatalogError) -> Int64 { try required(name, integer(name)) }

    func requiredDay(_ name: String) throws(CatalogError) -> Day { try required(name, day(name)) }

    func requiredInstant(microseconds name: String) throws(CatalogError) -> Instant {
        try required(name, instant(microseconds: name))
    }

    private func required<Value>(_ name: String, _ value: Value?) throws(CatalogError) -> Value {
        guard let value else {
            let found = self[name].map { "\($0)" } ?? "no such column"
            throw CatalogError(.engine, doing: "read \(name) of a catalog row", cause: found)
        }
        return value
    }
}
