import FlusherBaseline
import Foundation
import JSON
import Lake
import MarketData

/// The flusher without the log: JSON messages in memory to a typed zstd Parquet file on disk, against a bare loop in C++
/// over the same libraries.
@main
struct FlusherBenchmark {
    /// At least this share of the bare loop's rate.
    static let goal = 0.8

    static func main() async throws {
        let rows = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 500_000
        let rounds = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 7
        let messages = try Messages(quotes: rows)
        let folder = FileManager.default.temporaryDirectory.appending(path: "pregao-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }

        print("\(rows) quotes of \(messages.bytes.count / rows) bytes, \(rounds) paired rounds after one to warm up")
        var ours: [Double] = []
        var bare: [Double] = []
        for round in 0...rounds {
            // Who goes first changes, so that neither always finds the warmer machine.
            var rates: (ours: Double, bare: Double) = (0, 0)
            if round % 2 == 0 { rates.ours = try await encode(messages, round: round, in: folder) }
            rates.bare = runBaseline(messages, round: round, in: folder)
            if round % 2 == 1 { rates.ours = try await encode(messages, round: round, in: folder) }
            guard round > 0 else { continue }
            ours.append(rates.ours)
            bare.append(rates.bare)
        }
        report(ours: ours, bare: bare)
    }

    /// - Returns: quotes a second.
    private static func encode(_ messages: Messages, round: Int, in folder: URL) async throws -> Double {
        let start = ContinuousClock.now
        var encoder = RawFileEncoder(dataset: Datasets.quotes, version: Datasets.quotes.version, partition: 0)
        messages.bytes.withUnsafeBytes { bytes in
            var start = 0
            for (offset, end) in messages.ends.enumerated() {
                let verdict = encoder.append(
                    UnsafeRawBufferPointer(rebasing: bytes[start..<end]), offset: Int64(offset))
                precondition(verdict == .accepted, "\(verdict)")
                start = end
            }
        }
        let file = try encoder.finish(
            range: 0..<Int64(messages.ends.count), topic: Datasets.quotes.topic, epoch: "benchmar")
        try await LocalObjectStore(root: folder.path).put(file.bytes, at: "raw/\(round).parquet")
        return Double(messages.ends.count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    /// - Returns: quotes a second.
    private static func runBaseline(_ messages: Messages, round: Int, in folder: URL) -> Double {
        let start = ContinuousClock.now
        let path = folder.appending(path: "bare-\(round).parquet").path
        let size = flusher_baseline_run(messages.bytes, messages.ends, messages.ends.count, path)
        precondition(size > 0, "the bare loop failed")
        return Double(messages.ends.count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    private static func report(ours: [Double], bare: [Double]) {
        let ratios = zip(ours, bare).map { $0 / $1 }
        let rate = { (rates: [Double]) in "\(Int(median(rates) / 1000))k quotes/s" }
        print("encoder    \(rate(ours))")
        print("bare loop  \(rate(bare))")
        print("ratio      \(rounded(median(ratios))) (\(ratios.sorted().map(rounded).joined(separator: " ")))")
        print(median(ratios) >= goal ? "at least \(goal): met" : "at least \(goal): missed")
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
}
