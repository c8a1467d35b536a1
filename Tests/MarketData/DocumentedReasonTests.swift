import Foundation
import MarketData
import Testing

@Suite("Documented reasons")
struct DocumentedReasonTests {
    @Test("docs/gap-reasons.md lists every reason with its meaning; UPDATE_DOCS in the environment writes it")
    func reasons() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/gap-reasons.md")
        let rows = GapReason.allCases.map { "| \($0.rawValue) | \($0.meaning) |" }
        let expected = """
            # Why a quote is missing

            The words of `gaps.reason`. New ones may come; none is ever given another meaning.

            | reason | meaning |
            |---|---|
            \(rows.joined(separator: "\n"))

            """
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil { try Data(expected.utf8).write(to: file) }
        #expect(try String(contentsOf: file, encoding: .utf8) == expected, "run with UPDATE_DOCS=1")
    }
}
