import Foundation
import Runtime
import Testing

@Suite("The figures that are exported")
struct MetricDeclarationTests {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("Every figure that the sources name is declared, and every declared one is named there")
    func sources() throws {
        let folder = Self.package.appending(path: "Sources")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var named: Set<String> = []
        for case let file as URL in files
        where file.pathExtension == "swift" && file.lastPathComponent != "MetricDeclaration.swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            named.formUnion(text.matches(of: /"((?:pregao|process)_[a-z_]+)"/).map { String($0.1) })
        }
        #expect(named == Set(MetricDeclaration.all.map(\.name)))
    }

    @Test("docs/metrics.md has them all, with labels and help, and no other")
    func documented() throws {
        let page = try String(contentsOf: Self.package.appending(path: "docs/metrics.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
        let expected = MetricDeclaration.all.map {
            "| `\($0.name)` | \($0.kind.rawValue) | \($0.labels.joined(separator: ", ")) | \($0.help) |"
        }
        #expect(rows == expected)
    }

    @Test("Names follow Prometheus' conventions", arguments: MetricDeclaration.all)
    func conventions(metric: MetricDeclaration) {
        #expect(metric.name.wholeMatch(of: /[a-z][a-z0-9_]*[a-z0-9]/) != nil)
        #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"))
        if metric.kind == .histogram { #expect(metric.name.hasSuffix("_seconds")) }
        // Units are base units, and stand last but for _total.
        for unit in ["milliseconds", "microseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "percent"] {
            #expect(!metric.name.split(separator: "_").contains(Substring(unit)))
        }
        #expect(metric.help.last == "." && !metric.help.contains("\n"))
        #expect(!metric.labels.contains("le") && !metric.labels.contains("job") && !metric.labels.contains("instance"))
    }
}
