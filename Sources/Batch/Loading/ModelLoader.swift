import Foundation
import MarketData
import YAML

extension Models {
    /// The models that come with the program.
    public static func bundled() throws(ModelFaults) -> Models {
        try Models(folders: [bundledFolder])
    }

    /// Where the models that come with the program lie.
    public static var bundledFolder: String { Bundle.module.bundleURL.appendingPathComponent("Models").path }

    /// Reads every `.yml` of the folders with the `.sql` of the same name beside it.
    ///
    /// - Throws: every fault of every file, with its place.
    public init(folders: [String]) throws(ModelFaults) {
        var loader = ModelLoader()
        for folder in folders { loader.load(folder: folder) }
        loader.checkTogether()
        guard loader.faults.isEmpty else { throw ModelFaults(loader.faults) }
        self = try Models(loader.documents.map(\.model))
    }
}

/// Collects models and faults from folders.
struct ModelLoader {
    private(set) var documents: [ModelDocument] = []
    private(set) var faults: [ModelFault] = []
    /// The tables of files that have faults: whoever reads them is not at fault.
    private var unreadable: Set<String> = []

    mutating func load(folder: String) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder).sorted() else {
            faults.append(ModelFault(file: folder, reason: "the folder cannot be read"))
            return
        }
        let descriptions = names.filter { $0.hasSuffix(".yml") }
        for name in names where name.hasSuffix(".sql") && !descriptions.contains(name.dropLast(4) + ".yml") {
            faults.append(ModelFault(file: "\(folder)/\(name)", reason: "there is no .yml beside it"))
        }
        for name in descriptions { load("\(folder)/\(name)", named: String(name.dropLast(4))) }
    }

    private mutating func load(_ path: String, named name: String) {
        let queryPath = path.dropLast(4) + ".sql"
        guard let query = text(of: String(queryPath)), let description = text(of: path) else {
            unreadable.insert(name)
            return
        }
        var reader = DocumentReader(file: path)
        do {
            let root = try YAMLNode(parsing: description)
            if let document = ModelDocument.read(root, query: Self.trimmed(query), name: name, reader: &reader) {
                documents.append(document)
            }
        } catch {
            reader.fault(error.mark, String(error.description.dropFirst("\(error.mark): ".count)))
        }
        faults += reader.faults
        if !reader.faults.isEmpty { unreadable.insert(name) }
        if Self.trimmed(query).isEmpty {
            faults.append(ModelFault(file: String(queryPath), reason: "there is no SELECT"))
        }
    }

    private mutating func text(of path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path) else {
            faults.append(ModelFault(file: path, reason: "the file is missing or cannot be read"))
            return nil
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            faults.append(ModelFault(file: path, reason: "the file is not UTF-8"))
            return nil
        }
        return text
    }

    /// A query is put inside another, where a semicolon at its end would cut that one.
    private static func trimmed(_ query: String) -> String {
        var text = query[...]
        while let last = text.last, last.isWhitespace || last == ";" { text.removeLast() }
        return String(text)
    }

    /// Checks what needs the other models: that sources exist, and that examples use their columns.
    mutating func checkTogether() {
        var columns: [TableName: Set<String>] = [:]
        var owner: [TableName: String] = [:]
        for document in documents {
            if let other = owner.updateValue(document.file, forKey: document.model.table) {
                faults.append(
                    ModelFault(file: document.file, reason: "\(document.model.name) is already described in \(other)"))
            }
            columns[document.model.table] = Set(document.model.columns.map(\.name))
        }
        for document in documents {
            for (source, mark) in document.sources {
                let known = columns[source] ?? SourceColumns.ofRaw(source).map { Set($0.map(\.name)) }
                guard let known else {
                    if unreadable.contains(source.table) { continue }
                    faults.append(document.fault(mark, "\(source) is neither a raw table nor another model's"))
                    continue
                }
                for (column, mark) in document.givenColumns[source] ?? [] where !known.contains(column) {
                    faults.append(document.fault(mark, "\(source) has no column \(column)"))
                }
            }
        }
    }
}
