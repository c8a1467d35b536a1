import JSON
import Runtime
import Warehouse

/// The console's page as HTML, without scripts: it reloads itself.
struct ConsolePage {
    let processes: [ProcessStatus]
    let objects: [Row]
    let bars: [Row]

    static let objectsQuery = """
        SELECT key, status, rows, size, CAST(registered_at AS VARCHAR) AS registered_at
        FROM lake.pregao.objects ORDER BY sequence DESC, key LIMIT 10
        """

    static let barsTableQuery = """
        SELECT table_name FROM duckdb_tables()
        WHERE database_name = 'lake' AND schema_name = 'refined' AND table_name = 'quotes_1m'
        """

    /// The last three hours of each of the first twelve series.
    static let barsQuery = """
        SELECT feed, symbol, price_type, CAST(close AS VARCHAR) AS close
        FROM lake.refined.quotes_1m
        WHERE minute >= (SELECT max(minute) FROM lake.refined.quotes_1m) - INTERVAL 3 HOUR
        ORDER BY feed, symbol, price_type, minute LIMIT 2160
        """

    var html: String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="10"><title>Pregão</title>
        <style>
        body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #1c2733 }
        table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
        th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #dde3e9 }
        td.number { text-align: right; font-variant-numeric: tabular-nums }
        .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; margin-bottom: 2rem }
        figure { margin: 0; border: 1px solid #dde3e9; border-radius: 4px; padding: .75rem }
        figcaption { font-weight: 600 }
        polyline { fill: none; stroke: #0b6e4f; stroke-width: 1.5 }
        </style></head><body>
        <h1>Pregão</h1>
        <h2>Latest minutes</h2>\(charts)
        <h2>Processes</h2>\(processTable)
        <h2>Newest raw objects</h2>\(objectTable)
        </body></html>
        """
    }

    private var charts: String {
        let series = Dictionary(grouping: bars) { row in
            ["feed", "symbol", "price_type"].compactMap { row[$0]?.string }.joined(separator: " ")
        }
        guard !series.isEmpty else { return "<p>No bar is computed yet.</p>" }
        let figures = series.sorted { $0.key < $1.key }.prefix(12).map { name, rows in
            chart(name, rows.compactMap { $0["close"]?.string.flatMap(Double.init) })
        }
        return "<div class=\"charts\">\(figures.joined())</div>"
    }

    private func chart(_ name: String, _ closes: [Double]) -> String {
        guard let low = closes.min(), let high = closes.max(), let last = closes.last else { return "" }
        let width = 300.0
        let height = 80.0
        let points = closes.enumerated().map { index, close in
            let x = closes.count > 1 ? width * Double(index) / Double(closes.count - 1) : width
            let y = high > low ? height * (high - close) / (high - low) : height / 2
            return "\(rounded(x)),\(rounded(y))"
        }
        return """
            <figure><figcaption>\(escaped(name)) \(last)</figcaption>
            <svg viewBox="-2 -2 304 84" role="img" aria-label="\(escaped(name))"><polyline points="\(points.joined(separator: " "))"/></svg></figure>
            """
    }

    private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    private var processTable: String {
        let rows = processes.map { process in
            [
                process.name, process.stages.joined(separator: ", "), process.isAlive ? "running" : "gone",
                process.startedAt, process.updatedAt,
            ]
        }
        return table(["process", "stages", "state", "since", "last word"], rows)
    }

    private var objectTable: String {
        let columns = ["key", "status", "rows", "size", "registered_at"]
        let rows = objects.map { row in columns.map { name in Self.text(row[name]) } }
        return table(columns, rows)
    }

    private static func text(_ value: JSONValue?) -> String {
        value?.string ?? value?.int64.map(String.init) ?? ""
    }

    private func table(_ columns: [String], _ rows: [[String]]) -> String {
        let head = columns.map { "<th>\(escaped($0))</th>" }.joined()
        let body = rows.map { row in
            "<tr>" + row.map { "<td\(Int64($0) == nil ? "" : " class=\"number\"")>\(escaped($0))</td>" }.joined()
                + "</tr>"
        }
        return "<table><tr>\(head)</tr>\(body.joined())</table>"
    }

    /// HTML's five characters that have a meaning of their own.
    private func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }
}
