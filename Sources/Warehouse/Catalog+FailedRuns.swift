import MarketData

/// Why a dirty day of a model could not be published when it was last computed.
public struct FailedRun: Hashable, Sendable {
    public let model: String
    public let day: Day
    public let reason: String
    public let failedAt: Instant
}

extension Catalog {
    /// Records why a day could not be published, in place of what was recorded for it before.
    public func recordFailure(model: String, day: Day, reason: String) async throws(CatalogError) {
        try await transaction("record the failure of \(model)@\(day)") { transaction throws(CatalogError) in
            let key = "model = \(SQL.literal(model)) AND trading_day = \(SQL.literal(day))"
            try transaction.run(
                """
                DELETE FROM lake.pregao.failed_runs WHERE \(key);
                INSERT INTO lake.pregao.failed_runs VALUES (\(SQL.literal(model)), \(SQL.literal(day)),
                    \(SQL.literal(reason)), \(SQL.literal(transaction.now)));
                """)
            return .commit(())
        }
    }

    /// The failures of days that are still dirty; what has been published since has none.
    public func failedRuns(snapshot: Int64? = nil) async throws(CatalogError) -> [FailedRun] {
        let query = """
            SELECT model, trading_day, reason, epoch_us(failed_at) AS failed_at
            FROM lake.pregao.failed_runs SEMI JOIN lake.pregao.dirt USING (model, trading_day)
            ORDER BY model, trading_day
            """
        return try await read(query, snapshot) { row throws(CatalogError) in
            FailedRun(
                model: try row.requiredText("model"), day: try row.requiredDay("trading_day"),
                reason: try row.requiredText("reason"), failedAt: try row.requiredInstant(microseconds: "failed_at"))
        }
    }
}
