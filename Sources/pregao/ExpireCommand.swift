import Batch
import Configuration
import Terminal
import Warehouse

enum ExpireCommand {
    static let command: Command = Command(
        "expire", "Let raw objects go that were compacted longer ago than 'batch.raw-retention'",
        discussion: """
            Their rows are read from compacted files from then on, and the objects are removed from raw once the grace is
            past; their backups stay. Only what is proven to be in both goes: each file and backup is read. The batch does
            it by itself where 'batch.raw-retention' is set.
            """,
        options: CommonOptions.settings + [
            Option("dry-run", .flag, "Only look, and say what would be done"),
            Option(
                "grace", .value(placeholder: "HOURS"), "How long ago what is removed must have expired",
                standard: "24"),
            CommonOptions.json,
        ],
        examples: [
            Example("pregao expire --dry-run --set batch.raw-retention=90d", "see what 90 days would let go")
        ], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let hours = try arguments.integer("grace", in: 0...24 * 365) ?? 24
        let workplace = Workplace(try arguments.configuration(), component: "expire")
        guard let age = workplace.configuration.batch.rawRetention else {
            throw CommandError(
                "batch.raw-retention is not set: raw objects are kept for ever",
                next: "Set it, such as --set batch.raw-retention=90d.", exitCode: .configuration)
        }
        let catalog = try await workplace.openCatalog(create: false)
        let retention = try workplace.retention(
            catalog, RetentionSettings(age: age, grace: .seconds(Int64(hours) * 3600)))
        let isTrial = arguments.has("dry-run")
        var table = Table(["file", "objects", "bytes", "outcome"])
        var isInOrder = true
        for due in try await retention.due() {
            let report = await retention.apply(due, isTrial: isTrial)
            if case .failed = report.outcome { isInOrder = false }
            table.append([
                .text(due.file.key), .number(Int64(due.file.inputs.count)), .number(report.bytes),
                .text(words(for: report, isTrial)),
            ])
        }
        arguments.print(table)
        return isInOrder ? .success : .failure
    }

    private static func words(for report: RetentionReport, _ isTrial: Bool) -> String {
        switch (report.outcome, report.step) {
        case (.done, .expire): isTrial ? "would expire" : "expired"
        case (.done, .remove): isTrial ? "would be removed" : "removed"
        case (.kept(let reason), _): "kept: \(reason)"
        case (.failed(let reason), _): "failed: \(reason)"
        }
    }
}

extension Workplace {
    func retention(_ catalog: Catalog, _ settings: RetentionSettings) throws -> RawRetention {
        RawRetention(
            catalog: catalog, engine: try engine(), raw: stores.raw, backup: stores.backup, settings: settings,
            clock: clock)
    }
}
