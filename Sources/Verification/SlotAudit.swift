import EventLog
import JSON
import MarketData
import Warehouse

/// Holds the quotes and gaps of the raw tables against the poll slots that they should fill.
///
/// The poller says on `pregao.poll-slots` up to when each series' slots are accounted for, and by which messages. Up to
/// there every slot must be covered; what comes after is pending.
struct SlotAudit {
    /// One series' state.
    private struct Account {
        let feed: String
        let symbol: String
        let priceType: String
        let until: Instant
    }

    let catalog: Catalog
    let snapshot: Int64
    let log: any EventLog
    let scope: VerificationScope

    func audit(reached: [TopicPartition: Offset], into report: inout VerificationReport) async throws {
        let (accounts, isArchived) = try await accounts(reached: reached)
        guard isArchived else {
            report.pending(.slots, Int64(accounts.count))
            return
        }
        try await countSlots(into: &report)
        for row in try await catalog.rows(query(accounts), snapshot: snapshot) {
            let place = ["feed", "symbol", "price_type"].compactMap { row.text($0) }.joined(separator: " ")
            guard let from = row.instant(microseconds: "hole_from"), let to = row.instant(microseconds: "hole_to")
            else {
                continue
            }
            if row["is_due"]?.bool ?? true {
                report.fault(.slots, place, "neither quote nor gap from \(from) to \(to)")
            } else {
                report.pending(.slots)
            }
        }
    }

    /// The newest state of every series, and whether all messages that it rests on are in the catalog.
    private func accounts(reached: [TopicPartition: Offset]) async throws -> ([Account], Bool) {
        var newest: [[UInt8]: JSONValue] = [:]
        for (partition, marks) in try await log.watermarks(of: "pregao.poll-slots") {
            var next = marks.start
            while next < marks.end {
                let batch = try await log.read(partition, from: next, to: marks.end, maximumBytes: 8 << 20)
                for record in batch.records {
                    guard let key = batch.key(of: record), let value = batch.value(of: record) else { continue }
                    newest[key] = try JSONDocument(parsing: value, maximumBytes: 64 << 20).root
                }
                guard batch.nextOffset > next else { break }
                next = batch.nextOffset
            }
        }
        var accounts: [Account] = []
        var isArchived = true
        for message in newest.values {
            for end in message["offsets"]?.array ?? [] {
                guard let topic = end["topic"]?.string, let partition = end["partition"]?.int64,
                    let offset = end["offset"]?.int64, offset > 0
                else { continue }
                let source = TopicPartition(topic: topic, partition: Int32(truncatingIfNeeded: partition))
                if reached[source] ?? 0 < offset { isArchived = false }
            }
            accounts += (message["series"]?.array ?? []).compactMap { series in
                guard let feed = message["feed"]?.string, let symbol = series["symbol"]?.string,
                    let priceType = series["price_type"]?.string,
                    let until = series["accounted_until"]?.string.flatMap({ Instant(rfc3339: $0) })
                else { return nil }
                return Account(feed: feed, symbol: symbol, priceType: priceType, until: until)
            }
        }
        return (accounts, isArchived)
    }

    private func countSlots(into report: inout VerificationReport) async throws(CatalogError) {
        let rows = try await catalog.rows("SELECT count(*) AS n FROM lake.raw.quotes", snapshot: snapshot)
        report.checked(.slots, rows.first?.integer("n") ?? 0)
    }

    /// Holes between covered stretches of each series, and from its last one to where it is accounted for.
    private func query(_ accounts: [Account]) -> String {
        let since = scope.since.map { "WHERE trading_day >= \(SQL.literal($0))" } ?? ""
        let values = accounts.map { account in
            let texts = [account.feed, account.symbol, account.priceType].map { SQL.literal($0) }
            return "(\(texts.joined(separator: ", ")), \(account.until.microseconds))"
        }
        let known = values.isEmpty ? "SELECT '', '', '', 0 WHERE false" : "VALUES \(values.joined(separator: ", "))"
        return """
            WITH accounted(feed, symbol, price_type, until) AS (\(known)),
            covered AS (
                SELECT feed, symbol, price_type, epoch_us(scheduled_at) AS a, epoch_us(scheduled_at) + poll_interval AS b
                FROM lake.raw.quotes \(since)
                UNION ALL
                SELECT feed, symbol, coalesce(price_type, ''), epoch_us(from_time), epoch_us(to_time)
                FROM lake.raw.gaps \(since)
            ),
            ordered AS (
                SELECT *, max(b) OVER (
                    PARTITION BY feed, symbol, price_type ORDER BY a, b ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS reached FROM covered
            ),
            holes AS (
                SELECT feed, symbol, price_type, reached AS hole_from, a AS hole_to FROM ordered WHERE a > reached
                UNION ALL
                SELECT feed, symbol, price_type, max(b), max(until) FROM covered JOIN accounted USING (feed, symbol, price_type)
                GROUP BY ALL HAVING max(b) < max(until)
            )
            SELECT holes.*, coalesce(hole_from < until, false) AS is_due
            FROM holes LEFT JOIN accounted USING (feed, symbol, price_type)
            ORDER BY feed, symbol, price_type, hole_from LIMIT 1000
            """
    }
}
