import JSON
import Lake
import MarketData

/// What backup's ledger says of a compacted file whose objects expire, `ledger/expired/<dataset>/dt=<day>/<file>.json`:
/// a rebuilt catalog reads the file in place of the objects.
///
/// A function of the file alone, so that recording it again writes the same bytes.
public struct ExpirationRecord: Hashable, Sendable {
    public static let prefix = "ledger/expired/"

    public let file: CompactedFile

    public init(of file: CompactedFile) { self.file = file }

    public var key: String { Self.prefix + file.key.split(separator: "/").dropFirst().joined(separator: "/") + ".json" }

    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("version")
        writer.integer(1)
        for (name, text) in [
            ("file", file.key), ("dataset", file.dataset), ("day", "\(file.day)"), ("sha256", file.sha256),
        ] {
            writer.name(name)
            writer.string(text)
        }
        for (name, number) in [("rows", file.rows), ("size", file.size)] {
            writer.name(name)
            writer.integer(number)
        }
        writer.name("objects")
        writer.beginArray()
        for key in file.inputs { writer.string(key) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Reads what ``json()`` writes.
    ///
    /// - Parameter location: how the engine names a file of the raw store by its key.
    /// - Returns: nil where it is no such record.
    public init?(parsing json: [UInt8], location: (String) -> String) {
        guard let root = try? JSONDocument(parsing: json, maximumBytes: 1 << 28).root, root["version"]?.int64 == 1,
            let key = root["file"]?.string, let dataset = root["dataset"]?.string,
            let day = root["day"]?.string.flatMap({ Day($0) }), let sha256 = root["sha256"]?.string,
            let rows = root["rows"]?.int64, let size = root["size"]?.int64, let objects = root["objects"]?.array
        else { return nil }
        let inputs = objects.compactMap(\.string)
        guard !inputs.isEmpty, inputs.count == objects.count, Set(inputs).count == inputs.count else { return nil }
        file = CompactedFile(
            key: key, location: location(key), dataset: dataset, day: day, rows: rows, size: size, sha256: sha256,
            inputs: inputs.sorted())
    }
}
