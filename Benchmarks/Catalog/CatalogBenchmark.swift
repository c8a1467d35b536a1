import Batch
import Foundation
import Lake
import MarketData
import Runtime
import Warehouse

/// Queries and commits of a catalog with very many registered objects, before and after its days are compacted.
///
/// The first day is really compacted; the others are given what a compaction leaves.
///
/// Arguments: objects, days that they are spread over, and `sqlite` or a PostgreSQL database's URI.
@main
struct CatalogBenchmark {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let objects = arguments.first.flatMap { Int($0) } ?? 1_000_000
        let days = arguments.dropFirst().first.flatMap { Int($0) } ?? 200
        let server = arguments.dropFirst(2).first.flatMap { try? PostgresServer(uri: $0) }
        let url = FileManager.default.temporaryDirectory.appending(path: "pregao-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        let lake = try ManyObjects(folder: url.path, server: server, objects: objects, days: days)
        say(
            "\(objects) objects of \(RawFiles.rows) quotes in \(days) days, metadata in \(server == nil ? "SQLite" : "PostgreSQL")"
        )
        let filling = try await seconds { try await lake.fill() }
        say("files written, the first day registered, the others' rows copied: \(figure(filling)) s")

        var registrations = try lake.next(200)[...]
        try await measure("before compaction", lake, &registrations)
        let compactor = Compactor(
            catalog: lake.catalog, engine: lake.engine, store: LocalObjectStore(root: lake.files.root),
            folder: lake.folder, settings: CompactionSettings(size: 1 << 40))
        let compacting = try await seconds {
            let report = await compactor.compact(
                CompactableDay(dataset: "quotes", day: RawFiles.first, objects: Int64(lake.files.perDay)))
            guard report.objects == lake.files.perDay else { throw Missed("\(report)") }
        }
        let first = try await lake.catalog.compactedFiles().filter { $0.day == RawFiles.first }
        say(
            "a day's \(lake.files.perDay) objects compacted into \(first.count) files: \(figure(compacting)) s"
        )
        let copying = try await seconds { try await lake.copyCompaction(of: first, to: 1) }
        say("the other days' rows copied: \(figure(copying)) s")
        try await measure("after compaction", lake, &registrations)
        // DuckLake keeps the entries of replaced files as long as a snapshot shows them: a day, in the program.
        let expiring = try await seconds { _ = try await lake.catalog.maintain(olderThan: SystemWallClock().now()) }
        say("the snapshots of before let go: \(figure(expiring)) s")
        try await measure("after these are gone", lake, &registrations)
    }

    private static func measure(_ when: String, _ lake: ManyObjects, _ registrations: inout ArraySlice<Registration>)
        async throws
    {
        // Its files hold what their statistics say; those of the others are links to them.
        let first = SQL.literal(RawFiles.first)
        let queries = [
            ("count of all rows", "SELECT count(*) AS n FROM lake.raw.quotes"),
            (
                "one day's rows of one symbol",
                "SELECT count(price) AS n FROM lake.raw.quotes WHERE trading_day = \(first) AND symbol = 'COIN7-USD'"
            ),
            (
                "last minute bar of each symbol, of one day",
                """
                SELECT count(*) AS n FROM (SELECT symbol, arg_max(close, minute) FROM (
                    SELECT symbol, date_trunc('minute', observed_at) AS minute, arg_max(price, observed_at) AS close
                    FROM lake.raw.quotes WHERE trading_day = \(first)
                    GROUP BY 1, 2) GROUP BY 1)
                """
            ),
        ]
        say("\(when):")
        for (name, query) in queries {
            var times: [Double] = []
            var answer: Int64?
            for _ in 0..<3 {
                times.append(
                    try await seconds {
                        answer = try await lake.engine.run(lake.catalog.attachScript() + query).first?.integer("n")
                    })
            }
            say("  \(name): \(figure(median(times))) s (\(answer ?? -1))")
        }
        for width in [1, 20] {
            var times: [Double] = []
            for _ in 0..<3 {
                // Those of a partition in their order.
                let batch = registrations.prefix(width)
                registrations = registrations.dropFirst(width)
                times.append(
                    try await seconds {
                        let outcomes = try await lake.catalog.register(Array(batch))
                        guard outcomes.allSatisfy({ $0 == .registered }) else { throw Missed("\(outcomes)") }
                    })
            }
            say("  \(width == 1 ? "an object" : "\(width) objects") registered: \(figure(median(times))) s")
        }
    }

    private static func seconds(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
    ) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    /// At once, however standard output is buffered: a run takes long.
    private static func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    private static func figure(_ value: Double) -> String { String(format: "%.2f", value) }
}
