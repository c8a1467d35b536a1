import FlusherBaseline
import Foundation
import JSON
import Lake
import MarketData
import SampleQuotes

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
        var ours: [Run] = []
        var bare: [Run] = []
        for round in 0...rounds {
            let mine = folder.appending(path: "ours-\(round)")
            let other = folder.appending(path: "bare-\(round).parquet")
            // Who goes first changes, so that neither always finds the warmer machine.
            if round % 2 == 0 { ours.append(try await encode(messages, in: mine)) }
            bare.append(runBaseline(messages, to: other))
            if round % 2 == 1 { ours.append(try await encode(messages, in: mine)) }
        }
        report(ours: Array(ours.dropFirst()), bare: Array(bare.dropFirst()))
    }

    /// Begun before the work, stopped after it.
    struct Stopwatch {
        private let start = ContinuousClock.now
        private let processorStart = Self.processorSeconds

        func stop(quotes: Int, fileBytes: Int) -> Run {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            return Run(
                quotesPerSecond: Double(quotes) / seconds,
                quotesPerProcessorSecond: Double(quotes) / (Self.processorSeconds - processorStart),
                fileBytes: fileBytes)
        }

        private static var processorSeconds: Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
    }

    struct Run {
        let quotesPerSecond: Double
        /// The steadier figure on a machine that does other work too.
        let quotesPerProcessorSecond: Double
        let fileBytes: Int
    }

    private static func encode(_ messages: Messages, in folder: URL) async throws -> Run {
        let stopwatch = Stopwatch()
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
        try await LocalObjectStore(root: folder.path).put(file.bytes, at: "raw/quotes.parquet")
        return stopwatch.stop(quotes: messages.ends.count, fileBytes: file.bytes.count)
    }

    private static func runBaseline(_ messages: Messages, to file: URL) -> Run {
        let stopwatch = Stopwatch()
        let size = flusher_baseline_run(messages.bytes, messages.ends, messages.ends.count, file.path)
        precondition(size > 0, "the bare loop failed")
        return stopwatch.stop(quotes: messages.ends.count, fileBytes: Int(size))
    }

    private static func report(ours: [Run], bare: [Run]) {
        for (name, runs) in [("encoder  ", ours), ("bare loop", bare)] {
            let rate = Int(median(runs.map(\.quotesPerSecond)) / 1000)
            let processorRate = Int(median(runs.map(\.quotesPerProcessorSecond)) / 1000)
            print(
                "\(name)  \(rate)k quotes/s, \(processorRate)k a processor second, "
                    + "a file of \((runs.first?.fileBytes ?? 0) / 1024) KiB")
        }
        let ratio = reportRatio("ratio              ", ours.map(\.quotesPerSecond), bare.map(\.quotesPerSecond))
        _ = reportRatio(
            "by processor time  ", ours.map(\.quotesPerProcessorSecond), bare.map(\.quotesPerProcessorSecond))
        print("at least \(goal): \(ratio >= goal ? "met" : "missed")")
    }

    private static func reportRatio(_ name: String, _ ours: [Double], _ bare: [Double]) -> Double {
        let ratios = zip(ours, bare).map { $0 / $1 }
        print("\(name)\(rounded(median(ratios))), from \(ratios.sorted().map(rounded).joined(separator: " "))")
        return median(ratios)
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
}
