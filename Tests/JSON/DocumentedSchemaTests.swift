import Foundation
import JSON
import MarketData
import Testing

/// `docs/schemas/` holds what the datasets' declarations give; with UPDATE_DOCS in the environment, these tests write it.
@Suite("Documented schemas")
struct DocumentedSchemaTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/schemas")

    @Test("the documented schema is the dataset's", arguments: Datasets.all)
    func schema(dataset: Dataset) throws {
        let file = Self.folder.appending(path: "\(dataset.name).schema.json")
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil {
            try Data(dataset.jsonSchema().utf8).write(to: file)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == dataset.jsonSchema(), "run with UPDATE_DOCS=1")
    }

    /// The topics that are no dataset's; what is on them is held against their schemas by the tests of the built program.
    private static let others = ["dead-letter", "object-created", "poll-slots", "replays", "task"]

    @Test("every documented schema belongs to a dataset or to another topic")
    func strangers() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path(percentEncoded: false))
        let known = Datasets.all.map(\.name) + Self.others
        #expect(files.sorted() == known.map { "\($0).schema.json" }.sorted())
    }
}
