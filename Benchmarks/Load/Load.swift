import EventLog
import Foundation
import JSON
import MarketData
import Runtime

/// Appends quotes to a log as fast as the flushers follow: `BenchmarkLoad LOG QUOTES`.
///
/// It stands for a poller's output over a long time in a short one. It never runs more than ``ahead`` quotes before the
/// flushers' positions, as a poller that shares the machine with them would not.
@main
struct Load {
    static let ahead: Int64 = 500_000
    static let batch = 5_000

    static func main() async throws {
        guard CommandLine.arguments.count == 3, let total = Int(CommandLine.arguments[2]), total > 0 else {
            FileHandle.standardError.write(Data("usage: BenchmarkLoad LOG QUOTES\n".utf8))
            exit(64)
        }
        let clock = SystemWallClock()
        let log = try await SQLiteEventLog.openExisting(at: CommandLine.arguments[1], clock: clock)
        var done = 0
        while done < total {
            try await waitForFlushers(log)
            let messages = try (0..<min(batch, total - done)).map { try quote(done + $0, at: clock.now()) }
            _ = try await log.append(messages)
            done += messages.count
        }
        await log.close()
        print("\(done) quotes appended")
    }

    private static func waitForFlushers(_ log: SQLiteEventLog) async throws {
        while true {
            let committed = try await log.committed(group: "pregao.flusher")
            let waiting = try await log.watermarks(of: Datasets.quotes.topic).reduce(0) { sum, entry in
                sum + entry.value.end - (committed[entry.key] ?? entry.value.start)
            }
            if waiting < ahead { return }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// A quote as `coinbase-ticker` gives it, of one of 10,000 symbols.
    private static func quote(_ number: Int, at time: Instant) throws -> OutgoingMessage {
        let symbol = "S\(number % 10_000)-USD"
        let price = try Decimal(parsing: "\(30_000 + number % 997).\(10_000_000 + number % 89_999_999)")
        let observation = try Observation(
            Datasets.quotes,
            [
                "feed": .text("coinbase-ticker"), "symbol": .text(symbol), "price_type": .text("trade"),
                "price": .decimal(price), "bid": .decimal(price), "ask": .decimal(price),
                "size": .decimal(try Decimal(parsing: "0.0\(number % 100_000)1")), "trade_id": .integer(Int64(number)),
                "source_time": .instant(time), "scheduled_at": .instant(time), "poll_interval": .integer(1_000_000),
                "observed_at": .instant(time),
            ])
        return OutgoingMessage(
            topic: Datasets.quotes.topic, key: Array(symbol.utf8), value: observation.json())
    }
}
