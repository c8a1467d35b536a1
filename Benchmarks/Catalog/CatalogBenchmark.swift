import Batch
import Foundation
import Lake
import MarketData
import Warehouse

/// Queries and commits of a catalog with very many registered objects, before and after its days are compacted.
///
/// Arguments: objects, days that they are spread over, and `sqlite` or a PostgreSQL database's URI.
@main
struct CatalogBenchmark {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let objects = arguments.first.flatMap { Int($0) } ?? 1_000_000
        let days = arguments.dropFirst().first.flatMap { Int($0) } ?? 50
        let server = arguments.dropFirst(2).first.flatMap { PostgresServer(uri: $0) }
        setvbuf(stdout, nil, _IOLBF, 0)
        let url = FileManager.default.temporaryDirectory.appending(path: "pregao-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        let lake = try ManyObjects(folder: url.path, server: server, objects: objects, days: days)
        print(
            "\(objects) objects of \(RawFiles.rows) quotes in \(days) days, metadata in \(server == nil ? "SQLite" : "PostgreSQL")"
        )
        let filling = try await seconds { try await lake.fill() }
        print("files written, the first day registered, the others' rows copied: \(figure(filling)) s")

        var registrations = try lake.next(80)[...]
        try await measure("before compaction", lake, &registrations)
        let compactor = Compactor(
            catalog: lake.catalog, engine: lake.engine, store: LocalObjectStore(root: lake.files.root),
            folder: lake.folder)
        var times: [Double] = []
        for number in 0..<days {
            let day = RawFiles.first.adding(days: number)
            times.append(
                try await seconds {
                    let report = try await compactor.compact(
                        CompactableDay(dataset: "quotes", day: day, objects: Int64(lake.files.perDay)))
                    guard report.objects == lake.files.perDay else { throw Missed("\(report)") }
                })
        }
        print(
            "a day's \(lake.files.perDay) objects compacted: \(figure(median(times))) s, the last one \(figure(times.last ?? 0)) s"
        )
        try await measure("after compaction", lake, &registrations)
    }

    private static func measure(_ when: String, _ lake: ManyObjects, _ registrations: inout ArraySlice<Registration>)
        async throws
    {
        let middle = SQL.literal(RawFiles.first.adding(days: lake.days / 2))
        let queries = [
            ("count of all rows", "SELECT count(*) AS n FROM lake.raw.quotes"),
            (
                "one day's rows of one symbol",
                "SELECT count(price) AS n FROM lake.raw.quotes WHERE trading_day = \(middle) AND symbol = 'COIN7-USD'"
            ),
            (
                "last minute bar of each symbol, of the last day",
                """
                SELECT count(*) AS n FROM (
                    SELECT symbol, date_trunc('minute', observed_at) AS minute, arg_max(price, observed_at)
                    FROM lake.raw.quotes WHERE trading_day = \(SQL.literal(RawFiles.first.adding(days: lake.days - 1)))
                    GROUP BY ALL QUALIFY row_number() OVER (PARTITION BY symbol ORDER BY minute DESC) = 1)
                """
            ),
        ]
        print("\(when):")
        for (name, query) in queries {
            var times: [Double] = []
            var answer: Int64?
            for _ in 0..<3 {
                times.append(
                    try await seconds {
                        answer = try await lake.engine.run(lake.catalog.attachScript() + query).first?.integer("n")
                    })
            }
            print("  \(name): \(figure(median(times))) s (\(answer ?? -1))")
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
            print("  \(width == 1 ? "an object" : "\(width) objects") registered: \(figure(median(times))) s")
        }
    }

    private static func seconds(_ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    private static func figure(_ value: Double) -> String { String(format: "%.2f", value) }
}
