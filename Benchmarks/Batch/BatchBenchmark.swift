import Batch
import Foundation
import MarketData
import Warehouse

/// The daily batch: a day against the same SQL given to DuckDB by hand on the same Parquet, and a dirty day after a
/// short history against one after a long history.
///
/// Arguments: quotes of the day, rounds, days of the long history.
@main
struct BatchBenchmark {
    /// At most this multiple of the time by hand.
    static let goalByHand = 1.3
    /// What counts as the same cost, on a machine that does other work too.
    static let goalHistory = 1.25

    static func main() async throws {
        let numbers = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
        let quotes = numbers.first ?? 10_000_000
        let rounds = numbers.dropFirst().first ?? 5
        let history = numbers.dropFirst(2).first ?? 1000
        try await measureDay(quotes: quotes, rounds: rounds)
        try await measureHistory(short: 10, long: history, rounds: rounds)
    }

    private static func measureDay(quotes: Int, rounds: Int) async throws {
        let house = try await House()
        defer { house.remove() }
        let files = 240
        try await house.addDay(House.day, quotes: quotes, files: files)
        guard let model = house.models[named: "refined.quotes_1m"] else { return }
        print("a day of \(quotes) quotes in \(files) files, \(rounds) paired rounds after one to warm up")
        var pairs: [(ours: Cost, other: Cost)] = []
        for round in 0...rounds {
            // Who goes first changes, so that neither always finds the warmer machine.
            let first = round % 2 == 0 ? try await house.compute(model) : nil
            let byHand = try ByHand(house: house, model: model).run(round: round)
            let ours = if let first { first } else { try await house.compute(model) }
            if round > 0 { pairs.append((ours, byHand)) }
        }
        report("batch", "by hand", pairs, goal: goalByHand)
    }

    private static func measureHistory(short: Int, long: Int, rounds: Int) async throws {
        let houses = (short: try await House(), long: try await House())
        defer {
            houses.short.remove()
            houses.long.remove()
        }
        try await houses.short.addHistory(days: short)
        try await houses.long.addHistory(days: long)
        print("a dirty day after \(long) days against one after \(short) days, \(rounds) paired rounds")
        var pairs: [(ours: Cost, other: Cost)] = []
        for round in 0...rounds {
            let longFirst = round % 2 == 0 ? try await houses.long.computeLateQuote() : nil
            let other = try await houses.short.computeLateQuote()
            let ours = if let longFirst { longFirst } else { try await houses.long.computeLateQuote() }
            if round > 0 { pairs.append((ours, other)) }
        }
        report("\(long) days", "\(short) days", pairs, goal: goalHistory)
    }

    private static func report(_ name: String, _ otherName: String, _ pairs: [(ours: Cost, other: Cost)], goal: Double)
    {
        for (label, costs) in [(name, pairs.map(\.ours)), (otherName, pairs.map(\.other))] {
            let seconds = median(costs.map(\.seconds))
            let processor = median(costs.map(\.processorSeconds))
            print("\(label): \(figure(seconds)) s, \(figure(processor)) processor seconds")
        }
        let ratios = pairs.map { $0.ours.seconds / $0.other.seconds }.sorted()
        let byProcessor = pairs.map { $0.ours.processorSeconds / $0.other.processorSeconds }.sorted()
        print("ratio             \(figure(median(ratios))), from \(ratios.map(figure).joined(separator: " "))")
        print(
            "by processor time \(figure(median(byProcessor))), from \(byProcessor.map(figure).joined(separator: " "))")
        print("at most \(goal): \(median(ratios) <= goal ? "met" : "missed")")
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    private static func figure(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// What a piece of work took, of the wall clock and of the processors, child processes included.
struct Cost {
    let seconds: Double
    let processorSeconds: Double

    struct Start {
        private let moment = ContinuousClock.now
        private let processor = Cost.processorSeconds

        func stop() -> Cost {
            Cost(
                seconds: (ContinuousClock.now - moment) / .seconds(1),
                processorSeconds: Cost.processorSeconds - processor)
        }
    }

    /// POSIX: of children, those that have ended and been waited for.
    private static var processorSeconds: Double {
        var total = 0.0
        for who in [RUSAGE_SELF.rawValue, RUSAGE_CHILDREN.rawValue] {
            var usage = rusage()
            getrusage(who, &usage)
            for time in [usage.ru_utime, usage.ru_stime] { total += Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        }
        return total
    }
}
