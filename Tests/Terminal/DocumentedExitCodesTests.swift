import Foundation
import Terminal
import Testing

@Suite("docs/exit-codes.md")
struct DocumentedExitCodesTests {
    @Test("has every exit code with its meaning, and no other")
    func table() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/exit-codes.md")
        let rows = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n").filter {
            $0.wholeMatch(of: /\| [0-9]+ \|.*/) != nil
        }
        #expect(rows == ExitCode.allCases.map { "| \($0.rawValue) | \($0.meaning) |" })
    }
}
