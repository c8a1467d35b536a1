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
        try files.check()
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
            try await pause(after: attempt, doing)
            attempt += 1
        }
    }

    private func attemptTransaction<Outcome: Sendable>(
        _ doing: String, _ body: @escaping @Sendable (inout Transaction) throws(CatalogError) -> Decision<Outcome>
    ) async throws(CatalogError) -> (outcome: Outcome, committed: Int64?) {
        let lock = try await takeTurn(doing)
        let start = try await engine.opening() + attachScript(readOnly: false)
        let now = clock.now()
        let began = ContinuousClock.now
        defer { metrics.observe((ContinuousClock.now - began) / .seconds(1), in: "pregao_catalog_transaction_seconds") }
        // The thread has the lock's descriptor alone: the turn ends here, with the engine's process, and not whenever
        // the thread lets go of what it was given.
        defer { withExtendedLifetime(lock) {} }
        return try await onThread(within: patience.transaction) {
            [engine, metrics, beforeCommit, descriptor = lock.descriptor] handle throws(CatalogError) in
            var session = try EngineSession(engine, doing: doing, handle: handle, inheriting: descriptor)
            let turn = try session.run(
                start + "\nBEGIN; UPDATE lake.pregao.turn SET n = n + 1; SELECT n FROM lake.pregao.turn;")
            guard let sequence = turn.last?.integer("n"), turn.count == 1 else {
                throw CatalogError(
                    .corrupt, doing: doing, cause: "pregao.turn has not one row; \(CatalogFiles.whatToDo)")
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

    /// Waits for the turn with growing pauses.
    func takeTurn(_ doing: String) async throws(CatalogError) -> TurnLock {
        let deadline = ContinuousClock.now + patience.turn
        var count = 0
        while true {
            if let lock = try TurnLock(path: files.turn) { return lock }
            guard ContinuousClock.now < deadline else {
                throw CatalogError(.busy, doing: doing, cause: "another writer has had the turn for \(patience.turn)")
            }
            try await pause(after: count, doing)
            count += 1
        }
    }

    private func pause(after count: Int, _ doing: String) async throws(CatalogError) {
        do {
            try await Task.sleep(for: patience.pause(after: count))
        } catch {
            throw CatalogError(.busy, doing: doing, cause: "cancelled while waiting")
        }
    }
}
