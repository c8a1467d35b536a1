import Batch
import EventLog
import Foundation
import MarketData
import Terminal
import Verification

enum VerifyCommand {
    static let command: Command = Command(
        "verify", "Prove that nothing is missing and nothing is twice",
        discussion: """
            Holds the log, the ledger, raw, backup and the refined tables against each other at one cut: stable positions
            and one catalog snapshot. What is newer is pending, not wrong. Exit code 0 only where every check holds.
            """,
        options: CommonOptions.settings + [
            Option("full", .flag, "Also the sha256 of every raw, backup and refined object"),
            Option("deep", .flag, "Also compute each refined day again from its recorded inputs, and compare"),
            Option("since", .value(placeholder: "DAY"), "Only trading days from YYYY-MM-DD on"),
            Option(
                "grace", .value(placeholder: "HOURS"), "How old an orphan may be before it is a fault", standard: "24"),
            CommonOptions.json,
        ],
        examples: [
            Example("pregao verify", "each day"),
            Example("pregao verify --full --deep", "every byte and every refined row"),
        ], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let scope = try scope(arguments)
        let workplace = Workplace(try arguments.configuration(), component: "verify")
        let catalog = try await workplace.openCatalog(create: false)
        let log = try await workplace.openExistingLog()
        let progress = ProgressReport("objects")
        let verifier = Verifier(
            log: log, catalog: catalog, raw: workplace.stores.raw, backup: workplace.stores.backup,
            refined: workplace.stores.refined, engine: try workplace.engine(), models: try workplace.models(),
            readRefined: workplace.stores.readRefined, clock: workplace.clock)
        let report = try await verifier.verify(scope) { done, total in
            progress.update(done: done, of: total, note: "looked at")
        }
        progress.finish()
        await log.close()
        show(report, arguments)
        return report.isProven ? .success : .failure
    }

    private static func scope(_ arguments: Arguments) throws(CommandError) -> VerificationScope {
        var scope = VerificationScope(full: arguments.has("full"), deep: arguments.has("deep"))
        if let since = arguments.value("since") {
            guard let day = Day(since) else {
                throw arguments.usage("--since takes a day as YYYY-MM-DD, not '\(since)'")
            }
            scope.since = day
        }
        if let hours = try arguments.integer("grace", in: 0...24 * 365) { scope.grace = .seconds(hours * 3600) }
        return scope
    }

    private static func show(_ report: VerificationReport, _ arguments: Arguments) {
        arguments.has("json") ? showLines(report, arguments) : showTables(report, arguments)
    }

    private static func showTables(_ report: VerificationReport, _ arguments: Arguments) {
        var checks = Table(["check", "checked", "faults", "pending", "unproven", "what it proves"])
        for check in VerificationReport.Check.allCases {
            let tally = report.tallies[check] ?? VerificationReport.Tally()
            checks.append([
                .text(check.rawValue), .number(tally.checked), .number(tally.faults), .number(tally.pending),
                .number(tally.unproven), .text(check.proves),
            ])
        }
        arguments.print(checks)
        Output.write(report.counts.map { "\($0.name): \($0.value)" }.joined(separator: "   ") + "\n")
        for (title, findings) in [("unproven", report.notes), ("fault", report.faults)] where !findings.isEmpty {
            var table = Table(["check", "place", title])
            for finding in findings {
                table.append([.text(finding.check.rawValue), .text(finding.place), .text(finding.message)])
            }
            Output.write("\n")
            arguments.print(table)
        }
        let pending = VerificationReport.Check.allCases.filter { report.tallies[$0]?.pending ?? 0 > 0 }
        if !pending.isEmpty {
            let words = pending.map { "\($0.rawValue) \(report.tallies[$0]?.pending ?? 0)" }
            Output.write("pending: \(words.joined(separator: ", ")) (under way: neither wrong nor proven yet)\n")
        }
        if let conclusion = report.conclusion { Output.write("\(conclusion)\n") }
    }

    /// One object a line; `type` tells checks, counts, what is unproven and faults apart.
    private static func showLines(_ report: VerificationReport, _ arguments: Arguments) {
        var checks = Table(["type", "check", "checked", "faults", "pending", "unproven"])
        for check in VerificationReport.Check.allCases {
            let tally = report.tallies[check] ?? VerificationReport.Tally()
            checks.append([
                .text("check"), .text(check.rawValue), .number(tally.checked), .number(tally.faults),
                .number(tally.pending), .number(tally.unproven),
            ])
        }
        var counts = Table(["type", "name", "value"])
        for count in report.counts { counts.append([.text("count"), .text(count.name), .number(count.value)]) }
        var findings = Table(["type", "check", "place", "message"])
        for (type, found) in [("unproven", report.notes), ("fault", report.faults)] {
            for finding in found {
                findings.append([
                    .text(type), .text(finding.check.rawValue), .text(finding.place), .text(finding.message),
                ])
            }
        }
        for table in [checks, counts, findings] { arguments.print(table) }
    }
}
