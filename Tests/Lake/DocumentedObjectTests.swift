import Foundation
import JSON
import Lake
import MarketData
import Testing

/// docs/ says what the files and messages are: held here to what the code makes.
struct DocumentedObjectTests {
    private static let docs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs")

    private static func rawObjects() throws -> String {
        try String(contentsOf: docs.appending(path: "raw-objects.md"), encoding: .utf8)
    }

    @Test
    func `docs/parquet-schemas.md has the columns of every dataset's files; UPDATE_DOCS in the environment writes it`()
        throws
    {
        var text = """
            # Parquet schemas

            The columns of raw objects, in the files' order. A column that is not required may be null.

            """
        for dataset in Datasets.all {
            let file = try RawFileEncoder(dataset: dataset, version: dataset.version, partition: 0).finish()
            text +=
                "\n## \(dataset.name), version \(dataset.version)\n\n| column | Parquet type | required |\n|---|---|---|\n"
            for column in try ParquetInspection(file.bytes).columns {
                let type = column.type.replacing(
                    ", is_from_converted_type=false, force_set_converted_type=false", with: "")
                text += "| \(column.name) | \(type) | \(column.isRequired ? "yes" : "") |\n"
            }
        }
        let file = Self.docs.appending(path: "parquet-schemas.md")
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil { try Data(text.utf8).write(to: file) }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "run with UPDATE_DOCS=1")
    }

    @Test(arguments: RejectionReason.allCases)
    func `docs/raw-objects.md explains every reason of a rejection`(reason: RejectionReason) throws {
        #expect(try Self.rawObjects().contains("\n| \(reason.rawValue) | "))
    }

    @Test
    func `the message that docs/raw-objects.md shows is one that Pregão writes`() throws {
        let parts = try Self.rawObjects().components(separatedBy: "```json\n")
        let shown = Array(try #require(parts.last?.components(separatedBy: "```").first).utf8)
        let announcement = try #require(Announcement.parse(shown).first)
        let written = try JSONDocument(parsing: announcement.json())
        #expect(try JSONDocument(parsing: shown) == written)
        #expect(RawObjectName(key: announcement.key)?.start == announcement.start)
    }
}
