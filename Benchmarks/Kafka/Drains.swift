import EventLog
import Flusher
import Foundation
import Lake
import MarketData

/// All that waits in the topic, brought to Parquet.
struct Drains {
    /// At least this share of the bare loop's rate.
    static let rateGoal = 0.8
    /// At most this many times one flusher's processor time a message.
    static let sharingGoal = 1.1

    let cluster: Cluster
    let quotes: Int
    private let folder: URL

    init(cluster: Cluster, quotes: Int) throws {
        self.cluster = cluster
        self.quotes = quotes
        folder = FileManager.default.temporaryDirectory.appending(path: "pregao-bench-\(UUID().uuidString)")
    }

    private func withFolder<Answer>(_ body: (URL) async throws -> Answer) async throws -> Answer {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    private func withFolder<Answer>(_ body: (URL) throws -> Answer) throws -> Answer {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    // MARK: Against the bare loop

    func compare(rounds: Int) throws -> Bool {
        print("\none flusher against the bare loop, \(rounds) paired rounds, each in a process of its own")
        var ours: [Figures] = []
        var bare: [Figures] = []
        for round in 0..<rounds {
            // Who goes first changes, so that neither always finds the warmer machine.
            if round % 2 == 0 { ours.append(try flushAlone(round)) }
            bare.append(try withFolder { try Worker(bareWords(in: $0)).figures() })
            if round % 2 == 1 { ours.append(try flushAlone(round)) }
        }
        for (name, runs) in [("flusher  ", ours), ("bare loop", bare)] {
            print(
                "\(name)  \(thousands(runs.map(\.messagesPerSecond)))k quotes/s,"
                    + " \(thousands(runs.map(\.messagesPerProcessorSecond)))k a processor second,"
                    + " \(runs[0].files) files of \(runs[0].fileBytes >> 10) KiB together,"
                    + " at most \((runs.map(\.peakBytes).max() ?? 0) >> 20) MiB resident")
            guard runs.allSatisfy({ $0.messages == quotes }) else { throw BenchmarkFault("\(name) missed messages") }
        }
        let ratio = tell("ratio", ours, bare, \.messagesPerSecond)
        _ = tell("by processor time", ours, bare, \.messagesPerProcessorSecond)
        let isFast = ratio >= Self.rateGoal
        print("at least \(Self.rateGoal): \(isFast ? "met" : "missed")")
        let isSmall =
            Double(ours[0].fileBytes) / Double(ours[0].files)
            <= Double(bare[0].fileBytes) / Double(bare[0].files) * 1.001
        print("files no larger than the bare loop's: \(isSmall ? "met" : "missed")")
        return reportMemory(ours) && isFast && isSmall
    }

    private func bareWords(in folder: URL) -> [String] {
        ["bare", cluster.brokers, "\(KafkaBenchmark.partitions)", folder.path]
    }

    private func flushAlone(_ round: Int) throws -> Figures {
        try withFolder { folder in
            try Worker([
                "flush", cluster.brokers, "bench.alone-\(round)", "one", folder.path, "60",
                "\(KafkaBenchmark.partitions)", "\(quotes)",
            ]).figures()
        }
    }

    private func tell(
        _ name: String, _ ours: [Figures], _ bare: [Figures], _ rate: KeyPath<Figures, Double>
    ) -> Double {
        let ratios = zip(ours, bare).map { $0[keyPath: rate] / $1[keyPath: rate] }
        print("\(name) \(rounded(median(ratios))), from \(ratios.sorted().map { rounded($0) }.joined(separator: " "))")
        return median(ratios)
    }

    private func thousands(_ rates: [Double]) -> String { rounded(median(rates) / 1000, 0) }

    // MARK: Memory

    private func reportMemory(_ runs: [Figures]) -> Bool {
        let peak = runs.map(\.peakBytes).max() ?? 0
        let bound = MemoryBound.bytes(partitions: Int(KafkaBenchmark.partitions))
        print(
            "\nresident memory while \(quotes) quotes waited: at most \(peak >> 20) MiB; the stated bound is"
                + " \(bound >> 20) MiB: \(peak <= bound ? "met" : "missed")")
        return peak <= bound
    }

    // MARK: Two flushers

    func share() async throws -> Bool {
        print("\ntwo flushers that share the partitions, against one, by processor time a quote")
        var ratios: [Double] = []
        for round in 0..<3 {
            let order = round % 2 == 0 ? [1, 2] : [2, 1]
            var cost: [Int: Double] = [:]
            for count in order { cost[count] = try await processorTime(flushers: count, round: round) }
            ratios.append((cost[2] ?? 0) / (cost[1] ?? 1))
        }
        let isMet = median(ratios) <= Self.sharingGoal
        print(
            "two cost \(rounded(median(ratios))) times one, from"
                + " \(ratios.sorted().map { rounded($0) }.joined(separator: " "));"
                + " at most \(Self.sharingGoal): \(isMet ? "met" : "missed")")
        return isMet
    }

    /// Processor seconds a quote, of all flushers together, from their start until the group has passed every quote.
    private func processorTime(flushers: Int, round: Int) async throws -> Double {
        let group = "bench.\(flushers)-\(round)"
        return try await withFolder { folder in
            let workers = try (0..<flushers).map { number in
                try Worker([
                    "flush", cluster.brokers, group, "f\(number)", folder.path, "1",
                    "\(Int(KafkaBenchmark.partitions) / flushers)",
                ])
            }
            try await cluster.waitUntilPassed(by: group)
            for worker in workers { try worker.stop() }
            let figures = try workers.map { try $0.figures() }
            let messages = figures.reduce(0) { $0 + $1.messages }
            print(
                "  \(figures.map { "\($0.messages) quotes in \(rounded($0.processorSeconds)) s" }.joined(separator: ", "))"
            )
            guard messages == quotes else { throw BenchmarkFault("\(messages) of \(quotes) quotes were read") }
            return figures.reduce(0) { $0 + $1.processorSeconds } / Double(quotes)
        }
    }
}

extension Cluster {
    /// Waits until the group's positions are at the topic's ends.
    func waitUntilPassed(by group: String) async throws {
        let ends = try await log.watermarks(of: Datasets.quotes.topic).mapValues(\.end)
        while true {
            let positions = try await log.committed(group: group)
            if ends.allSatisfy({ (positions[$0.key] ?? 0) >= $0.value }) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
