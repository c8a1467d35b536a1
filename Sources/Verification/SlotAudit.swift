import JSON
import MarketData
import Warehouse

/// Holds the quotes and gaps of the raw tables against the poll slots that they should fill.
///
/// The pollers say on `pregao.poll-slots` from when and up to when each series' slots are accounted for, and by which
/// messages. There every slot must be covered, and no quote may fill one that another fills; what comes after is pending.
struct SlotAudit {
    let catalog: Catalog
    let snapshot: Int64
    let accounts: ArchivedAccounts
    let scope: VerificationScope

    func audit(into report: inout VerificationReport) async {
        report.pending(.slots, Int64(accounts.waiting))
        for key in accounts.unreadable {
            report.unproven(.slots, key, "its message on pregao.poll-slots cannot be read")
        }
        for partition in accounts.gone {
            report.unproven(
                .slots, "\(partition)", "the log no longer has what the accounts on pregao.poll-slots rest on")
        }
        do throws(CatalogError) {
            for row in try await catalog.rows(query, snapshot: snapshot) { judge(row, into: &report) }
        } catch {
            report.fault(.slots, "raw.quotes and raw.gaps", "cannot be read: \(error.cause)")
        }
    }

    /// What a row of the query's answers says.
    private enum Finding: String {
        case covered, lost, doubled, due, pending, unaccounted, unbegun
    }

    private func judge(_ row: Row, into report: inout VerificationReport) {
        guard let finding = row.text("finding").flatMap(Finding.init), let count = row.integer("count") else { return }
        let place = ["feed", "symbol", "price_type"].compactMap { row.text($0) }.joined(separator: " ")
        let from = row.instant(microseconds: "first").map { "\($0)" } ?? ""
        let to = row.instant(microseconds: "last").map { "\($0)" } ?? ""
        switch finding {
        case .covered: report.checked(.slots, count)
        case .lost: report.unproven(.slots, place, "lost to retention: \(row.text("detail") ?? "")")
        case .doubled:
            report.fault(
                .slots, place, "\(count) slots have more than one quote, from \(from) to \(to): do two pollers poll it?"
            )
        case .due: report.fault(.slots, place, "neither quote nor gap from \(from) to \(to)")
        case .pending: report.pending(.slots, count)
        case .unaccounted:
            report.unproven(
                .slots, place,
                "\(count) stretches from \(from) to \(to) have neither quote nor gap, and no account says whether they are due"
            )
        case .unbegun:
            report.unproven(
                .slots, place, "has neither quote nor gap, and its account does not say where its slots begin")
        }
    }

    /// How many stretches are covered; what retention took before it was in a table; slots with several quotes; then the holes between the stretches of each series and
    /// where its account begins and ends.
    private var query: String {
        // A slot of the first day's start may be filled by a quote that was observed a day later or earlier.
        let earlier = scope.since.map { "WHERE trading_day >= \(SQL.literal($0.adding(days: -1)))" } ?? ""
        let since = scope.since.map { "\($0.startInUTC.microseconds)::BIGINT" } ?? "(-9223372036854775807)::BIGINT"
        let lost = GapReason.lostToRetention.rawValue
        return """
            CREATE TEMP TABLE accounted(feed VARCHAR, symbol VARCHAR, price_type VARCHAR, begin BIGINT, until BIGINT);
            \(insertAccounts)
            CREATE TEMP TABLE covered AS
                SELECT feed, symbol, price_type, epoch_us(scheduled_at) AS a, epoch_us(scheduled_at) + poll_interval AS b,
                    true AS is_quote FROM lake.raw.quotes \(earlier)
                UNION ALL
                SELECT feed, symbol, coalesce(price_type, ''), epoch_us(from_time), epoch_us(to_time), false
                FROM (FROM lake.raw.gaps \(earlier)) WHERE reason <> '\(lost)';
            SELECT 'covered' AS finding, count(*) AS count FROM covered;
            SELECT 'lost' AS finding, symbol, detail, 1 AS count
            FROM (FROM lake.raw.gaps \(earlier)) WHERE reason = '\(lost)' ORDER BY symbol, detail LIMIT 1000;
            SELECT 'doubled' AS finding, feed, symbol, price_type, count(*) AS count, min(a) AS first, max(a) AS last
            FROM (SELECT feed, symbol, price_type, a FROM covered WHERE is_quote AND a >= \(since)
                GROUP BY ALL HAVING count(*) > 1)
            GROUP BY ALL ORDER BY ALL LIMIT 1000;
            SELECT 'unbegun' AS finding, feed, symbol, price_type, 1 AS count
            FROM accounted ANTI JOIN covered USING (feed, symbol, price_type)
            WHERE begin IS NULL AND until > \(since) ORDER BY ALL LIMIT 1000;
            WITH stretches AS (
                SELECT feed, symbol, price_type, a, b FROM covered
                UNION ALL
                SELECT feed, symbol, price_type, greatest(begin, \(since)), greatest(begin, \(since))
                FROM accounted WHERE begin < until
                UNION ALL
                SELECT feed, symbol, price_type, until, until FROM accounted
            ),
            ordered AS (
                SELECT *, max(b) OVER (
                    PARTITION BY feed, symbol, price_type ORDER BY a, b ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS reached FROM stretches
            ),
            holes AS (
                SELECT feed, symbol, price_type, reached, a, CASE WHEN until IS NULL THEN 'unaccounted'
                    WHEN reached < until THEN 'due' ELSE 'pending' END AS finding
                FROM ordered LEFT JOIN accounted USING (feed, symbol, price_type)
                WHERE a > reached AND a > \(since)
            )
            SELECT finding, feed, symbol, price_type, 1 AS count, reached AS first, a AS last
            FROM holes WHERE finding = 'due'
            UNION ALL
            SELECT finding, feed, symbol, price_type, count(*), min(reached), max(a)
            FROM holes WHERE finding <> 'due' GROUP BY ALL
            ORDER BY ALL LIMIT 1000;
            """
    }

    private var insertAccounts: String {
        let values = accounts.accounts.map { account in
            let texts = [account.series.feed, account.series.symbol, account.series.priceType].map { SQL.literal($0) }
            let begin = account.from.map { "\($0.microseconds)" } ?? "NULL"
            return "(\(texts.joined(separator: ", ")), \(begin), \(account.until.microseconds))"
        }
        return values.isEmpty ? "" : "INSERT INTO accounted VALUES \(values.joined(separator: ", "));"
    }
}
