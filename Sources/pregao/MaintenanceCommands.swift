import Archiver
import Batch
import Lake
import Terminal

enum SweepCommand {
    static let command: Command = Command(
        "sweep", "Remove raw objects that nothing announces, and refined or compacted files that were replaced",
        discussion: """
            Raw objects go that are not in the ledger, whose whole range is in it under other names, and that are older
            than the grace: a crash left them. Refined files go that the catalog has not shown within the grace: a later version replaced
            them, or a run never published them; compacted files likewise. Snapshots older than the grace are let go before.
            """,
        options: CommonOptions.settings + [
            Option("dry-run", .flag, "Only list what would be removed"),
            Option(
                "grace", .value(placeholder: "HOURS"),
                "How old an orphan must be, and how long a refined file is unread",
                standard: "24"),
            CommonOptions.json,
        ],
        examples: [Example("pregao sweep --dry-run", "see first")], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let hours = try arguments.integer("grace", in: 0...24 * 365) ?? 24
        let workplace = Workplace(try arguments.configuration(), component: "sweep")
        let catalog = try await workplace.openCatalog(create: false)
        let removing = !arguments.has("dry-run")
        let raw = try await Sweep(
            raw: workplace.stores.raw, catalog: catalog, grace: .seconds(hours * 3600), clock: workplace.clock
        ).run(removing: removing)
        let refined = try await RefinedSweep(
            store: workplace.stores.refined, catalog: catalog, grace: .seconds(hours * 3600), clock: workplace.clock
        ).run(removing: removing)
        let compacted = try await RefinedSweep(
            .compacted, store: workplace.stores.raw, catalog: catalog, grace: .seconds(hours * 3600),
            clock: workplace.clock
        ).run(removing: removing)
        var table = Table(["object", "bytes", "outcome"])
        let done = removing ? "removed" : "would be removed"
        for object in raw.removed + refined.removed + compacted.removed {
            table.append([.text(object.key), .number(object.size), .text(done)])
        }
        for (object, reason) in raw.kept + refined.kept + compacted.kept {
            table.append([.text(object.key), .number(object.size), .text("kept: \(reason)")])
        }
        arguments.print(table)
        Output.complain(
            "\(raw.examined) raw objects examined, \(raw.removed.count) \(done); "
                + "\(refined.examined) refined files examined, \(refined.removed.count) \(done); "
                + "\(compacted.examined) compacted files examined, \(compacted.removed.count) \(done)")
        return .success
    }
}

enum RestoreCommand {
    static let command: Command = Command(
        "restore", "Copy lost raw objects back from backup, or lost backups from raw, and check them",
        discussion: """
            What is copied is checked against the ledger before anything is replaced: where both copies are damaged,
            neither is touched. Raw objects that have expired are left out: compacted files hold their rows.
            """,
        options: CommonOptions.settings + [
            Option("full", .flag, "Also read every object, and replace those whose content differs"),
            Option("backup", .flag, "The other way: mend the backup from raw, and the announcements in it"),
            CommonOptions.json,
        ],
        examples: [
            Example("pregao restore", "after raw objects were lost"),
            Example("pregao restore --backup --full", "after 'pregao verify --full' found damaged backups"),
        ], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let workplace = Workplace(try arguments.configuration(), component: "restore")
        let restore = Restore(
            raw: workplace.stores.raw, backup: workplace.stores.backup,
            catalog: try await workplace.openCatalog(create: false))
        let progress = ProgressReport("objects")
        let direction: Restore.Direction = arguments.has("backup") ? .backupFromRaw : .rawFromBackup
        let report = try await restore.run(direction, full: arguments.has("full")) { done, total in
            progress.update(done: done, of: total, note: "examined")
        }
        progress.finish()
        var table = Table(["object", "outcome"])
        let done = direction == .backupFromRaw ? "backup replaced from raw" : "restored"
        for key in report.restored { table.append([.text(key), .text(done)]) }
        for key in report.announcementsWritten { table.append([.text(key), .text("written from the ledger")]) }
        for (key, reason) in report.failed { table.append([.text(key), .text("failed: \(reason)")]) }
        arguments.print(table)
        Output.complain(
            "\(report.examined) objects examined, \(report.restored.count + report.announcementsWritten.count) restored, "
                + "\(report.failed.count) failed"
                + (report.expired > 0 ? ", \(report.expired) left out: they have expired" : ""))
        return report.failed.isEmpty ? .success : .failure
    }
}
