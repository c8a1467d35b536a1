import JSON
import MarketData
import Warehouse

/// Holds the quotes and gaps of the raw tables against the poll slots that they should fill.
///
/// The poller says on `pregao.poll-slots` up to when each series' slots are accounted for, and by which messages. Up to
/// there every slot must be covered; what comes after is pending.
struct SlotAudit {
    let catalog: Catalog
    let snapshot: Int64
    let accounts: PollAccounts
    let scope: VerificationScope

    func audit(into report: inout VerificationReport) async {
        report.pending(.slots, Int64(accounts.waiting))
        for key in accounts.unreadable {
            report.unproven(.slots, key, "its message on pregao.poll-slots cannot be read")
        }
        do throws(CatalogError) {
            for row in try await catalog.rows(query, snapshot: snapshot) {
                if let covered = row.integer("covered") {
                    report.checked(.slots, covered)
                } else if let place = row.text("lost") {
                    report.unproven(.slots, place, "lost to retention: \(row.text("detail") ?? "")")
                } else {
                    judge(row, into: &report)
                }
            }
        } catch {
            report.fault(.slots, "raw.quotes and raw.gaps", "cannot be read: \(error.cause)")
        }
    }

    private func judge(_ row: Row, into report: inout VerificationReport) {
        let place = ["feed", "symbol", "price_type"].compactMap { row.text($0) }.joined(separator: " ")
        guard let from = row.instant(microseconds: "hole_from"), let to = row.instant(microseconds: "hole_to") else {
            return
        }
        if row["is_due"]?.bool ?? true {
            report.fault(.slots, place, "neither quote nor gap from \(from) to \(to)")
        } else {
            report.pending(.slots)
        }
    }

    /// How many stretches are covered, and what retention took before it was in a table; then the holes between them in
    /// each series, and from its last one to where it is accounted for.
    private var query: String {
        let values = accounts.archived.map { account in
            let texts = [account.feed, account.symbol, account.priceType].map { SQL.literal($0) }
            return "(\(texts.joined(separator: ", ")), \(account.until.microseconds))"
        }
        let known = values.isEmpty ? "SELECT '', '', '', 0 WHERE false" : "VALUES \(values.joined(separator: ", "))"
        // A slot of the first day's start may be filled by a quote that was observed a day later or earlier.
        let earlier = scope.since.map { "WHERE trading_day >= \(SQL.literal($0.adding(days: -1)))" } ?? ""
        let start = scope.since.map { "WHERE hole_to > \($0.startInUTC.microseconds)" } ?? ""
        let lost = GapReason.lostToRetention.rawValue
        return """
            CREATE TEMP TABLE covered AS
                SELECT feed, symbol, price_type, epoch_us(scheduled_at) AS a, epoch_us(scheduled_at) + poll_interval AS b
                FROM lake.raw.quotes \(earlier)
                UNION ALL
                SELECT feed, symbol, coalesce(price_type, ''), epoch_us(from_time), epoch_us(to_time)
                FROM (FROM lake.raw.gaps \(earlier)) WHERE reason <> '\(lost)';
            SELECT count(*) AS covered FROM covered;
            SELECT symbol AS lost, detail FROM (FROM lake.raw.gaps \(earlier)) WHERE reason = '\(lost)'
            ORDER BY symbol, detail LIMIT 1000;
            WITH accounted(feed, symbol, price_type, until) AS (\(known)),
            ordered AS (
                SELECT *, max(b) OVER (
                    PARTITION BY feed, symbol, price_type ORDER BY a, b ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS reached FROM covered
            ),
            holes AS (
                SELECT feed, symbol, price_type, reached AS hole_from, a AS hole_to FROM ordered WHERE a > reached
                UNION ALL
                SELECT feed, symbol, price_type, max(b), max(until)
                FROM covered JOIN accounted USING (feed, symbol, price_type)
                GROUP BY ALL HAVING max(b) < max(until)
            )
            SELECT holes.*, coalesce(hole_from < until, false) AS is_due
            FROM holes LEFT JOIN accounted USING (feed, symbol, price_type) \(start)
            ORDER BY is_due DESC, feed, symbol, price_type, hole_from LIMIT 1000;
            """
    }
}
