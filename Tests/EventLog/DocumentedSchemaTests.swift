import Foundation
import Testing

@testable import EventLog

struct DocumentedSchemaTests {
    @Test
    func `docs/event-log.md names every table of the file with its columns`() async throws {
        let scratch = try Scratch()
        let log = try await scratch.open()
        let tables = try await log.reader.perform { session throws(Fault) in
            try session.statements[
                """
                SELECT tables.name, group_concat(columns.name, ', ')
                FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
                WHERE tables.type = 'table' GROUP BY 1 ORDER BY 1
                """
            ].rows([]) { row in "| \(row.text(0).replacing("messages_1", with: "messages_N")) | \(row.text(1)) |" }
        }
        await log.close()
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/event-log.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(tables.count == 9)
        for table in tables { #expect(text.contains(table)) }
    }
}
