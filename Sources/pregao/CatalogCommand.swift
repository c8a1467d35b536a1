import Archiver
import Foundation
import JSON
import Lake
import Terminal
import Warehouse

enum CatalogCommand {
    static let command: Command = Command(
        "catalog", "List the tables, make the catalog again, attach to it",
        subcommands: [
            Command(
                "tables", "List databases, tables and rows", options: CommonOptions.settings + [CommonOptions.json],
                run: tables),
            Command(
                "rebuild", "Make the catalog again from the announcements in backup",
                discussion: """
                    Reads only the announcements beside the backup and its ledger, never a listing of raw. Every day is dirty
                    afterwards, so that 'pregao batch --once' brings the refined tables back. The old catalog is replaced
                    only when the new one is complete: where it does not take an object, the old one stays.
                    """,
                options: CommonOptions.settings + [
                    Option(
                        "leave-out", .flag, "Replace the old catalog even where the new one does not take every object")
                ], run: rebuild),
            Command(
                "attach", "Print the SQL that attaches the catalog in DuckDB, for notebooks",
                options: CommonOptions.settings,
                examples: [Example("pregao catalog attach > attach.sql", "then: duckdb -init attach.sql")], run: attach),
        ])

    @Sendable private static func tables(_ arguments: Arguments) async throws -> ExitCode {
        let catalog = try await Workplace(try arguments.configuration(), component: "catalog").openCatalog(
            create: false)
        let names = try await catalog.rows(
            """
            SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake' ORDER BY schema_name, table_name
            """)
        var table = Table(["table", "rows"])
        for row in names {
            guard let schema = row.text("schema_name"), let name = row.text("table_name") else { continue }
            let count = try await catalog.rows(
                "SELECT count(*) AS n FROM lake.\(SQL.identifier(schema)).\(SQL.identifier(name))")
            table.append([.text("lake.\(schema).\(name)"), .number(count.first?.integer("n") ?? 0)])
        }
        arguments.print(table)
        return .success
    }

    @Sendable private static func rebuild(_ arguments: Arguments) async throws -> ExitCode {
        let workplace = Workplace(try arguments.configuration(), component: "catalog")
        let rebuild = Rebuild(
            backup: workplace.stores.backup, raw: workplace.stores.raw, catalog: try workplace.catalog())
        let report = try await rebuild.run(leavingOut: arguments.has("leave-out"))
        Output.write("\(report)\n")
        for (key, reason) in report.faults { Output.complain("\(key): \(reason)") }
        for object in report.catalog.rejected { Output.complain("\(object.key): \(object.reason)") }
        guard report.catalog.isReplaced else {
            throw CommandError(
                "catalog: the new one does not take \(report.catalog.rejected.count) objects, which are named above; "
                    + "the old one stays as it was",
                next: "Mend them, or run 'pregao catalog rebuild --leave-out' to go on without them.",
                exitCode: .failure)
        }
        Output.complain("Run 'pregao batch --once' to compute the refined tables again.")
        return report.faults.isEmpty && report.catalog.rejected.isEmpty && report.catalog.holes.isEmpty
            ? .success : .failure
    }

    @Sendable private static func attach(_ arguments: Arguments) async throws -> ExitCode {
        let workplace = Workplace(try arguments.configuration(), component: "catalog")
        let engine = try workplace.engine()
        var preparation = ["sqlite_scanner", "ducklake", "icu"].map { engine.load($0) }
        let remote = workplace.stores.readByEngine
        if !remote.isEmpty { preparation.append(engine.load("httpfs")) }
        // Credentials are for no file.
        for store in remote {
            preparation.append("-- CREATE SECRET (TYPE s3, SCOPE '\(store.location(of: ""))', KEY_ID …, SECRET …);")
        }
        let script = preparation + ["SET TimeZone = 'UTC';", try workplace.catalog().attachScript(readOnly: true)]
        Output.write(script.joined(separator: "\n") + "\n")
        return .success
    }
}
