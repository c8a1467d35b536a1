import Foundation

extension Pipeline {
    /// Runs a command that has to end with this code.
    ///
    /// - Returns: what it wrote.
    @discardableResult
    func expect(_ code: Int32, _ arguments: [String]) async throws -> String {
        let (ending, output) = try await run(arguments, within: .seconds(300))
        guard ending == .exited(code) else {
            throw HarnessFault("pregao \(arguments.joined(separator: " ")) \(ending), not with \(code)\n\(output)")
        }
        return output
    }

    /// Brings what is under way to its end; nothing is missing then, and nothing there twice.
    func expectProven() async throws {
        try await finishBacklog()
        try await expect(0, ["batch", "--once"])
        try await expect(0, ["verify", "--full", "--deep"])
    }

    /// Has some of the past fetched: tasks, a run, and bars.
    func backfillSomeBars() async throws {
        try await expect(
            0,
            [
                "backfill", "--feed", "coinbase-candles", "--symbol", "BTC-USD", "--from", "2026-11-01T00:00:00Z",
                "--to", "2026-11-01T06:00:00Z", "--interval", "1m",
            ])
    }

    /// Rows of text, by `pregao query -f json`.
    func rows(_ sql: String) async throws -> [[String: String]] {
        let output = try await expect(0, ["query", "-f", "json", sql])
        return try JSONDecoder().decode([[String: String]].self, from: Data(output.utf8))
    }
}

extension Pipeline.Options {
    /// What leaves messages on every topic, once some bars are asked for too: a symbol that there is not leaves gaps.
    static let everyTopic = Pipeline.Options(symbols: ["BTC-USD", "NONE-USD"])
}
