import Archiver
import Lake
import Terminal

enum SweepCommand {
    static let command: Command = Command(
        "sweep", "Remove raw objects that a crash left and that nothing announces",
        discussion: """
            Only objects that are not in the ledger, that can no longer be announced, and that are older than the grace.
            Nobody reads them.
            """,
        options: CommonOptions.settings + [
            Option("dry-run", .flag, "Only list what would be removed"),
            Option("grace", .value(placeholder: "HOURS"), "How old an orphan must be", standard: "24"),
            CommonOptions.json,
        ],
        examples: [Example("pregao sweep --dry-run", "see first")], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let hours = try arguments.integer("grace", in: 0...24 * 365) ?? 24
        let workplace = Workplace(try arguments.configuration(), component: "sweep")
        let sweep = Sweep(
            raw: workplace.rawStore(), catalog: try await workplace.openCatalog(create: false),
            grace: .seconds(hours * 3600), clock: workplace.clock)
        let report = try await sweep.run(removing: !arguments.has("dry-run"))
        var table = Table(["object", "bytes", "outcome"])
        let done = arguments.has("dry-run") ? "would be removed" : "removed"
        for object in report.removed { table.append([.text(object.key), .number(object.size), .text(done)]) }
        for (object, reason) in report.kept {
            table.append([.text(object.key), .number(object.size), .text("kept: \(reason)")])
        }
        arguments.print(table)
        Output.complain("\(report.examined) objects examined, \(report.removed.count) \(done)")
        return .success
    }
}

enum RestoreCommand {
    static let command: Command = Command(
        "restore", "Copy lost raw objects back from backup, and check them",
        options: CommonOptions.settings + [
            Option("full", .flag, "Also read every raw object, and replace those whose content differs"),
            CommonOptions.json,
        ],
        examples: [Example("pregao restore", "after raw objects were lost")], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let workplace = Workplace(try arguments.configuration(), component: "restore")
        let restore = Restore(
            raw: workplace.rawStore(), backup: workplace.backupStore(),
            catalog: try await workplace.openCatalog(create: false))
        let progress = ProgressReport("objects")
        let report = try await restore.run(full: arguments.has("full")) { done, total in
            progress.update(done: done, of: total, note: "examined")
        }
        progress.finish()
        var table = Table(["object", "outcome"])
        for key in report.restored { table.append([.text(key), .text("restored")]) }
        for (key, reason) in report.failed { table.append([.text(key), .text("failed: \(reason)")]) }
        arguments.print(table)
        Output.complain(
            "\(report.examined) objects examined, \(report.restored.count) restored, \(report.failed.count) failed")
        return report.failed.isEmpty ? .success : .failure
    }
}
