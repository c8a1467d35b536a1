import Runtime
import Warehouse

/// Computes a day into a temporary file and checks it there.
struct DayComputation: Sendable {
    enum Outcome: Hashable, Sendable {
        /// The file is whole and its checks hold.
        case computed(rows: Int64)
        /// What does not hold, each in a sentence.
        case checksFailed([String])
    }

    let script: ModelScript
    let engine: DuckDB
    /// The file to write.
    let path: String

    private var doing: String { "compute \(script.model.name)@\(script.day)" }

    func run() async throws(BatchError) -> Outcome {
        let check = ResultCheck(model: script.model, path: path)
        let row = try await answer("\(script.write(to: path))\n\(check.counts())")
        guard let rows = row?.integer("rows"), let duplicates = row?.integer("duplicates") else {
            throw BatchError(.engine, doing: doing, cause: "no counts in the answer")
        }
        Waypoint.batchComputed.reached()
        var failures: [String] = []
        if script.model.checks.contains(.notEmpty), rows == 0 { failures.append("not-empty: there is no row") }
        if duplicates > 0 {
            let grain = script.model.grain.joined(separator: ", ")
            failures.append("unique-grain: \(duplicates) values of (\(grain)) come more than once")
        }
        for (number, rule) in check.rules.enumerated() {
            guard let broken = row?.integer("broken_\(number)"), broken > 0 else { continue }
            let sample = try await answer(check.sample(of: rule))?.text("sample") ?? "?"
            failures.append("\(rule.name): broken by \(broken) of \(rows) rows, such as \(sample)")
        }
        return failures.isEmpty ? .computed(rows: rows) : .checksFailed(failures)
    }

    private func answer(_ statements: String) async throws(BatchError) -> Row? {
        do throws(CatalogError) {
            return try await engine.run(statements, doing: doing).last
        } catch {
            throw BatchError(.engine, doing: doing, cause: error.cause)
        }
    }
}
