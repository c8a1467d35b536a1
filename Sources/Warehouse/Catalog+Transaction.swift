import Foundation
import MarketData
import Runtime

/// A writing transaction that has its turn.
struct Transaction: ~Copyable {
    var session: EngineSession
    /// The catalog's sequence in this transaction: greater than in every one before.
    let sequence: Int64
    let now: Instant

    @discardableResult
    mutating func run(_ statements: String) throws(CatalogError) -> [Row] {
        exchanges += 1
        return try session.run(statements)
    }

    /// How often the engine was asked something.
    private(set) var exchanges = 0

    init(session: consuming EngineSession, sequence: Int64, now: Instant) {
        self.session = session
        self.sequence = sequence
        self.now = now
    }
}

/// What a transaction's body decided.
enum Decision<Outcome: Sendable>: Sendable {
    case commit(Outcome)
    /// Nothing is to be written.
    case abandon(Outcome)
}

extension Catalog {
    /// Runs `body` in a writing transaction, again from its start where it conflicts with another writer.
    func transaction<Outcome: Sendable>(
        _ doing: String,
        _ body: @escaping @Sendable (inout Transaction) throws(CatalogError) -> Decision<Outcome>
    ) async throws(CatalogError) -> Outcome {
        try metadata.check()
        var attempt = 0
        while true {
            do throws(CatalogError) {
                let done = try await attemptTransaction(doing, body)
                if let committed = done.committed { await maintainIfDue(at: committed) }
                return done.outcome
            } catch  where error.kind == .busy && attempt + 1 < patience.attempts {
                metrics.add(to: "pregao_catalog_conflicts_total")
                logger.debug("catalog conflict", ["doing": doing, "cause": error.cause])
            }
            try await patience.wait(after: attempt, doing)
            attempt += 1
        }
    }

    private func attemptTransaction<Outcome: Sendable>(
        _ doing: String, _ body: @escaping @Sendable (inout Transaction) throws(CatalogError) -> Decision<Outcome>
    ) async throws(CatalogError) -> (outcome: Outcome, committed: Int64?) {
        let lock = try await metadata.takeTurnOfTransaction(doing, engine: engine, patience: patience)
        let start = [
            try await engine.opening(), attachScript(readOnly: false),
            metadata.beginning(engine: engine, patience: patience),
            "UPDATE lake.pregao.turn SET n = n + 1; SELECT n FROM lake.pregao.turn;",
        ]
        let now = clock.now()
        let began = ContinuousClock.now
        defer { metrics.observe((ContinuousClock.now - began) / .seconds(1), in: "pregao_catalog_transaction_seconds") }
        // The thread has the lock's descriptor alone: the turn ends here, with the engine's process, and not whenever
        // the thread lets go of what it was given.
        defer { withExtendedLifetime(lock) {} }
        return try await onThread(within: metadata.limit(of: patience)) {
            [engine, metrics, beforeCommit, descriptor = lock?.descriptor] handle throws(CatalogError) in
            var session = try EngineSession(engine, doing: doing, handle: handle, inheriting: descriptor)
            let turn = try session.run(start.joined(separator: "\n")).filter { $0["n"] != nil }
            guard let sequence = turn.last?.integer("n"), turn.count == 1 else {
                throw CatalogError(
                    .corrupt, doing: doing, cause: "pregao.turn has not one row; \(SQLiteMetadata.whatToDo)")
            }
            var transaction = Transaction(session: session, sequence: sequence, now: now)
            defer { metrics.add(Double(transaction.exchanges), to: "pregao_catalog_exchanges_total") }
            switch try body(&transaction) {
            case .abandon(let outcome):
                transaction.session.close()
                return (outcome, nil)
            case .commit(let outcome):
                beforeCommit(transaction.session.processID)
                try transaction.run("COMMIT")
                transaction.session.close()
                return (outcome, sequence)
            }
        }
    }

    func takeTurn(_ doing: String) async throws(CatalogError) -> any Turn {
        try await metadata.takeTurn(doing, engine: engine, patience: patience)
    }
}
