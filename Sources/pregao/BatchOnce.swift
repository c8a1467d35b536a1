import Batch
import MarketData
import Terminal

/// `pregao batch --once`
enum BatchOnce {
    @Sendable static func run(_ arguments: Arguments) async throws -> ExitCode {
        var days: [Day] = []
        for text in arguments.all("day") {
            guard let day = Day(text) else { throw arguments.usage("--day takes a day as YYYY-MM-DD, not '\(text)'") }
            days.append(day)
        }
        if arguments.has("force") && days.isEmpty { throw arguments.usage("--force goes with --day") }
        let workplace = Workplace(try arguments.configuration(), component: "batch")
        let batch = try workplace.batch(try await workplace.openCatalog(create: false))
        let reports = try await batch.runOnce(days: days.isEmpty ? nil : days, force: arguments.has("force"))
        var table = Table(["model", "trading day", "outcome", "rows"])
        for report in reports {
            let rows: Table.Cell = report.rows.map { .number($0) } ?? .none
            table.append([.text(report.model), .text("\(report.day)"), .text(words(for: report.outcome)), rows])
        }
        arguments.print(table)
        return reports.allSatisfy(isInOrder) ? .success : .failure
    }

    private static func words(for outcome: RunReport.Outcome) -> String {
        switch outcome {
        case .published(let version): "published as version \(version)"
        case .discarded: "published by another process meanwhile"
        case .checksFailed(let checks): "not published: \(checks.joined(separator: "; "))"
        case .notDone(let error): "not done: \(error)"
        }
    }

    private static func isInOrder(_ report: RunReport) -> Bool {
        switch report.outcome {
        case .published, .discarded: true
        case .checksFailed, .notDone: false
        }
    }
}
