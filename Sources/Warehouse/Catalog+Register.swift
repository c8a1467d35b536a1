import Lake
import MarketData

extension Catalog {
    /// Registers raw objects in the ledger and the raw tables, and marks their days dirty: all that can be, in one
    /// transaction. An object without rows is kept in the ledger alone.
    ///
    /// A key that the ledger holds is ``RegistrationOutcome/already``, so that repeating a call does no harm; one that
    /// was refused for its bytes is registered now.
    ///
    /// - Returns: an outcome for each, in order. A refused one stops its partition's later ones, which are then
    ///   `ahead`, until ``refuse(_:reason:)`` has put it into the ledger.
    public func register(_ batch: [Registration]) async throws(CatalogError) -> [RegistrationOutcome] {
        try await register(batch, acrossHoles: false)
    }

    func register(_ batch: [Registration], acrossHoles: Bool) async throws(CatalogError) -> [RegistrationOutcome] {
        do throws(CatalogError) {
            return try await registerTogether(batch, acrossHoles: acrossHoles)
        } catch  where (error.kind == .sql || error.isOfFileItself) && batch.count > 1 {
            // One object that the engine cannot take is not to stop the others.
            var outcomes: [RegistrationOutcome] = []
            for registration in batch { outcomes += try await register([registration], acrossHoles: acrossHoles) }
            return outcomes
        } catch  where error.isOfFileItself && batch.count == 1 {
            return [.refused("the engine cannot add it: \(error.cause)")]
        }
    }

    /// The raw tables nearly always have every column, and to ask costs more than the rest of a small transaction: so
    /// they are looked at once the engine has complained.
    private func registerTogether(_ batch: [Registration], acrossHoles: Bool) async throws(CatalogError)
        -> [RegistrationOutcome]
    {
        do throws(CatalogError) {
            return try await registerTogether(batch, acrossHoles: acrossHoles, addingColumns: false)
        } catch  where error.kind == .sql {
            return try await registerTogether(batch, acrossHoles: acrossHoles, addingColumns: true)
        }
    }

    private func registerTogether(_ batch: [Registration], acrossHoles: Bool, addingColumns: Bool)
        async throws(CatalogError) -> [RegistrationOutcome]
    {
        guard !batch.isEmpty else { return [] }
        let datasets = schema.all
        let doing = "register \(batch[0].announcement.key)" + (batch.count > 1 ? " and \(batch.count - 1) more" : "")
        return try await transaction(doing) { [self] transaction throws(CatalogError) in
            var plan = try transaction.plan(for: batch.map(\.announcement), datasets: datasets)
            let outcomes = batch.map { plan.offer($0, acrossHoles: acrossHoles) }
            guard !plan.accepted.isEmpty else { return .abandon(outcomes) }
            let filled = plan.accepted.filter { $0.announcement.rows > 0 }
            if addingColumns { try addColumns(for: filled, datasets, in: &transaction) }
            try transaction.write(
                plan, files: filled.filter { $0.expiredInto == nil }.compactMap { $0.statement(datasets) })
            try transaction.passOn(plan.accepted.flatMap { $0.announcement.changes(datasets) })
            return .commit(outcomes)
        }
    }

    /// Puts an object that cannot be had into the ledger as refused: its range is covered, so that the next ones go
    /// on, its days stay unpublished, and `verify` names it. Where its range overlaps the ledger's only the refusal is
    /// recorded.
    ///
    /// - Returns: `refused` where it is recorded now, `already` where the key is in the ledger in any status, `ahead`
    ///   where nothing was recorded since a range before it is missing.
    @discardableResult
    public func refuse(_ announcement: Announcement, reason: String) async throws(CatalogError) -> RegistrationOutcome {
        try await refuse(announcement, reason: reason, acrossHoles: false)
    }

    func refuse(_ announcement: Announcement, reason: String, acrossHoles: Bool) async throws(CatalogError)
        -> RegistrationOutcome
    {
        let datasets = schema.all
        return try await transaction("refuse \(announcement.key)") { transaction throws(CatalogError) in
            let plan = try transaction.plan(for: [announcement], datasets: datasets)
            guard plan.statuses[announcement.key] == nil else { return .abandon(.already) }
            let partition = announcement.ledgerPartition
            let end = plan.ranges[partition]?.upperBound ?? announcement.start
            guard announcement.start <= end || acrossHoles else { return .abandon(.ahead(expected: end)) }
            var changed: [LedgerPartition: Range<Int64>] = [:]
            if announcement.start >= end, announcement.end > end {
                changed[partition] = (plan.ranges[partition]?.lowerBound ?? announcement.start)..<announcement.end
            }
            try transaction.writeRefused(announcement, reason: reason, ranges: changed)
            return .commit(.refused(reason))
        }
    }

    /// Makes the raw tables hold every column of the datasets that the objects are of.
    private func addColumns(
        for registrations: [Registration], _ datasets: [String: Dataset], in transaction: inout Transaction
    ) throws(CatalogError) {
        let touched = Set(registrations.map(\.announcement.dataset)).compactMap { datasets[$0] }
        let tables = try TableColumns(transaction.run(LedgerTables.columnsQuery))
        let statements = rawStatements(missingFrom: tables, datasets: touched)
        if !statements.isEmpty { try transaction.run(statements.joined(separator: "\n")) }
    }
}

extension Registration {
    /// The statement that adds its file to its dataset's raw table.
    fileprivate func statement(_ datasets: [String: Dataset]) -> String? {
        datasets[announcement.dataset].map { SQL.addFile(location, toTable: $0.table, inSchema: "raw") }
    }
}

extension SQL {
    /// DuckLake takes a file without the newer columns only with `allow_missing`. `dt=…` in an object's name is the
    /// ingestion day and no column.
    static func addFile(_ location: String, toTable table: String, inSchema schema: String) -> String {
        """
        CALL ducklake_add_data_files('lake', \(literal(table)), \(literal(location)), schema => \(literal(schema)), \
        allow_missing => true, hive_partitioning => false);
        """
    }
}

extension Announcement {
    /// The source days that it changes.
    fileprivate func changes(_ datasets: [String: Dataset]) -> [Transaction.SourceChange] {
        guard let dataset = datasets[dataset], rows > 0 else { return [] }
        return days.map {
            Transaction.SourceChange(
                source: dataset.sourceName, day: $0.day, times: ChangedTimes(first: $0.first, last: $0.last))
        }
    }
}
