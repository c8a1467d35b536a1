import Batch
import MarketData
import Warehouse

/// Raw Parquet files of quotes, written by the engine.
struct Quotes {
    struct Quote {
        var symbol = "BTC-USD"
        /// Of the day, UTC.
        var second: Int
        var price: String
        var day = Samples.day
        var offset = 0

        var observedAt: Instant { day.startInUTC.adding(microseconds: Int64(second) * 1_000_000) }
    }

    let engine: DuckDB
    let folder: String

    /// - Parameters:
    ///   - leavingOut: columns that the file does not have, as one of an older version.
    ///   - columns: more text columns, and their one value, as one of a newer version.
    func write(
        _ quotes: [Quote], to name: String, leavingOut: Set<String> = [], adding columns: [String: String] = [:]
    ) async throws -> String {
        let path = "\(folder)/\(name)"
        let rows = quotes.map { quote in
            """
            SELECT 'coinbase-spot' AS feed, '\(quote.symbol)' AS symbol, 'spot' AS price_type, \
            CAST('\(quote.price)' AS DECIMAL(38,18)) AS price, CAST(NULL AS VARCHAR) AS currency, \
            TIMESTAMPTZ '\(quote.observedAt)' AS observed_at, DATE '\(quote.day)' AS trading_day, \
            CAST(0 AS INTEGER) AS _partition, CAST(\(quote.offset) AS BIGINT) AS _offset
            """
        }
        let all = rows.joined(separator: " UNION ALL ")
        let old = leavingOut.isEmpty ? "*" : "* EXCLUDE (\(leavingOut.sorted().joined(separator: ", ")))"
        let kept = ([old] + columns.sorted { $0.key < $1.key }.map { "'\($0.value)' AS \($0.key)" })
            .joined(separator: ", ")
        _ = try await engine.run("COPY (SELECT \(kept) FROM (\(all))) TO '\(path)' (FORMAT parquet);")
        return path
    }
}
