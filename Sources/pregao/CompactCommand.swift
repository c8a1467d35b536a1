import Batch
import Configuration
import MarketData
import Terminal
import Warehouse

enum CompactCommand {
    static let command: Command = Command(
        "compact", "Make few large files of the many small ones of closed days",
        discussion: """
            The raw tables then read the large files, sorted by symbol and time. The raw objects stay in raw, in backup
            and in the ledger. The batch does it by itself, unless 'batch.compact' is 'no'. What cannot be compacted is
            named, and the other days go on; the exit code is 1 then.
            """,
        options: CommonOptions.settings + [
            Option(
                "day", .values(placeholder: "DAY"),
                "Only this day, in UTC, of the objects' arrival, closed or not; repeatable"),
            CommonOptions.json,
        ],
        examples: [Example("pregao compact", "every closed day that is not compacted yet")], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        var days: Set<Day> = []
        for text in arguments.all("day") {
            guard let day = Day(text) else { throw arguments.usage("--day takes a day as YYYY-MM-DD, not '\(text)'") }
            days.insert(day)
        }
        let workplace = Workplace(try arguments.configuration(), component: "compact")
        let catalog = try await workplace.openCatalog(create: false)
        let compactor = try workplace.compactor(catalog)
        let last = days.max() ?? compactor.lastClosedDay
        var table = Table(["dataset", "day", "objects", "files", "rows", "bytes before", "bytes"])
        var isWhole = true
        for day in try await catalog.compactableDays(upTo: last) where days.isEmpty || days.contains(day.day) {
            let report = await compactor.compact(day)
            table.append([
                .text(report.dataset), .text("\(report.day)"), .number(Int64(report.objects)),
                .number(Int64(report.files)), .number(report.rows), .number(report.bytesBefore), .number(report.bytes),
            ])
            for failure in report.failures { Output.complain("pregao: \(failure)") }
            isWhole = isWhole && report.failures.isEmpty
        }
        arguments.print(table)
        return isWhole ? .success : .failure
    }
}

extension Workplace {
    func compactor(_ catalog: Catalog) throws -> Compactor {
        Compactor(
            catalog: catalog, engine: try engine(), store: stores.raw, folder: configuration.data,
            settings: CompactionSettings(
                after: configuration.batch.compactAfter, size: Int64(configuration.batch.compactSize)), clock: clock)
    }
}
