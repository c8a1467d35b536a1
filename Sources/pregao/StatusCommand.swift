import Configuration
import EventLog
import JSON
import Runtime
import Terminal
import Warehouse

enum StatusCommand {
    static let command: Command = Command(
        "status", "Show the processes, what waits at each stage, and the sources' budgets",
        options: CommonOptions.settings + [CommonOptions.json], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let workplace = Workplace(try arguments.configuration(), component: "status")
        let processes = StatusFolder(workplace.configuration.statusFolder).all()
        var table = Table(["what", "where", "value"])
        for process in processes {
            let state = process.isAlive ? "running" : "gone"
            table.append([
                .text("process"), .text(process.name),
                .text("\(state), stages \(process.stages.joined(separator: " ")), last word \(process.updatedAt)"),
            ])
            for figure in process.figures where process.isAlive {
                let labels = figure.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                table.append([
                    .text(figure.name), .text(([process.name] + labels).joined(separator: " ")),
                    .number(Int64(figure.value)),
                ])
            }
        }
        // The processes' figures say most where log or catalog cannot be read.
        var failure: (any Error)?
        do { for row in try await lag(workplace) { table.append(row) } } catch {
            table.append([.text("log"), .text("cannot be read"), .text("\(error)")])
            failure = error
        }
        do { for row in try await ledger(workplace) { table.append(row) } } catch {
            table.append([.text("catalog"), .text("cannot be read"), .text("\(error)")])
            failure = failure ?? error
        }
        arguments.print(table)
        if let failure { throw failure }
        return .success
    }

    private static func lag(_ workplace: Workplace) async throws -> [[Table.Cell]] {
        let log = try await workplace.openExistingLog()
        do {
            let rows = try await lag(log)
            await log.close()
            return rows
        } catch {
            await log.close()
            throw error
        }
    }

    private static func ledger(_ workplace: Workplace) async throws -> [[Table.Cell]] {
        let catalog = try await workplace.openCatalog(create: false)
        return try await catalog.rows(ledgerQuery).map { row in
            [.text("ledger"), .text(row["what"]?.string ?? ""), .number(row["n"]?.int64 ?? 0)]
        }
    }

    private static func lag(_ log: any EventLog) async throws -> [[Table.Cell]] {
        var rows: [[Table.Cell]] = []
        for group in ["pregao.flusher", "pregao.archiver", "pregao.poller"] {
            for (partition, waiting) in try await log.lag(of: group).sorted(by: { $0.key < $1.key }) {
                rows.append([.text("waiting for \(group)"), .text("\(partition)"), .number(waiting)])
            }
        }
        return rows
    }

    private static let ledgerQuery = """
        SELECT 'objects ' || status AS what, count(*) AS n FROM lake.pregao.objects GROUP BY status
        UNION ALL SELECT 'objects expired', count(*) FROM lake.pregao.compaction_inputs
            SEMI JOIN lake.pregao.expirations USING (file) HAVING count(*) > 0
        UNION ALL SELECT 'rows of ' || dataset, coalesce(sum(rows), 0)::BIGINT FROM lake.pregao.objects GROUP BY dataset
        UNION ALL SELECT 'dirty days of ' || model, count(DISTINCT trading_day) FROM lake.pregao.dirt GROUP BY model
        UNION ALL SELECT 'published days of ' || model, count(*) FROM lake.pregao.publications GROUP BY model
        ORDER BY what
        """
}
