import EventLog
import Foundation
import Lake
import MarketData
import SampleQuotes
import Synchronization

/// How long after its append begins a quote's object is announced to a consumer of `pregao.objects`.
struct Latency {
    static let interval = 1.0
    static let goal = 1.5
    static let seconds = 40
    static let appendsPerSecond = 20
    static let quotesPerAppend = 50

    let cluster: Cluster

    func measure() async throws -> Bool {
        print(
            "\nfrom append to announced, with an interval of 1 s and"
                + " \(Self.appendsPerSecond * Self.quotesPerAppend) quotes a second for \(Self.seconds) s")
        let group = "bench.latency"
        let folder = FileManager.default.temporaryDirectory.appending(path: "pregao-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Its first objects are of what the topic holds already.
        let worker = try Worker([
            "flush", cluster.brokers, group, "one", folder.path, "\(Self.interval)", "\(KafkaBenchmark.partitions)",
        ])
        try await cluster.waitUntilPassed(by: group)

        let watcher = Watcher()
        async let watching: Void = watcher.watch(cluster.log, awaiting: Self.seconds * Self.appendsPerSecond)
        try await watcher.isReady()
        try await append(telling: watcher)
        try await watching
        try worker.stop()
        let figures = try worker.figures()
        let delays = watcher.delays
        print(
            "announced after \(rounded(quantile(delays, 0.5))) s (half of them), \(rounded(quantile(delays, 0.99))) s"
                + " (99 %), \(rounded(delays.max() ?? 0)) s (all \(delays.count)); \(figures.files) objects in all")
        let isMet = quantile(delays, 0.99) <= Self.goal
        print("99 % within \(Self.goal) s: \(isMet ? "met" : "missed")")
        return isMet
    }

    private func append(telling watcher: Watcher) async throws {
        var quotes = Quotes(symbols: 1000)
        let start = ContinuousClock.now
        for number in 0..<(Self.seconds * Self.appendsPerSecond) {
            try await Task.sleep(until: start + .seconds(1) * number / Self.appendsPerSecond, clock: .continuous)
            var messages: [OutgoingMessage] = []
            for _ in 0..<Self.quotesPerAppend {
                let key = Array(quotes.symbol.utf8)
                messages.append(OutgoingMessage(topic: Datasets.quotes.topic, key: key, value: try quotes.next()))
            }
            let began = ContinuousClock.now
            watcher.appended(try await cluster.log.append(messages), at: began)
        }
    }
}

/// Follows `pregao.objects` and matches what was appended with what is announced.
final class Watcher: Sendable {
    private struct State {
        var waiting: [TopicPartition: [(offset: Offset, at: ContinuousClock.Instant)]] = [:]
        var announced: [TopicPartition: Offset] = [:]
        var delays: [Double] = []
        var isReady = false
        var appends = 0

        /// Counts what is announced by now.
        mutating func settle(at now: ContinuousClock.Instant) {
            for (partition, end) in announced {
                let count = waiting[partition]?.prefix { $0.offset < end }.count ?? 0
                guard count > 0, let done = waiting[partition]?.prefix(count) else { continue }
                delays += done.map { (now - $0.at) / .seconds(1) }
                waiting[partition]?.removeFirst(count)
            }
        }
    }

    private let state = Mutex(State())

    var delays: [Double] { state.withLock { $0.delays } }

    func appended(_ positions: [LogPosition], at instant: ContinuousClock.Instant) {
        state.withLock { state in
            for position in positions {
                state.waiting[position.partition, default: []].append((position.offset, instant))
            }
            state.appends += 1
            state.settle(at: ContinuousClock.now)
        }
    }

    /// Waits until it follows the topic's end.
    func isReady() async throws {
        while !state.withLock({ $0.isReady }) { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// Until so many appends were announced.
    func watch(_ log: any EventLog, awaiting appends: Int) async throws {
        let source = TopicPartition(topic: Announcement.topic, partition: 0)
        guard let consumer = try? await log.join(group: "bench.watch", instance: "watch", topics: [source.topic]) else {
            throw BenchmarkFault("cannot watch the announcements")
        }
        let end = try await log.watermarks(of: source.topic)[source]?.end ?? 0
        while !state.withLock({ $0.appends == appends && $0.waiting.values.allSatisfy(\.isEmpty) }) {
            guard case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(1)) else { continue }
            let now = ContinuousClock.now
            for record in batch.records {
                guard let value = batch.value(of: record) else { continue }
                for announcement in try Announcement.parse(value) {
                    let partition = TopicPartition(topic: announcement.topic, partition: announcement.partition)
                    state.withLock { state in
                        state.announced[partition] = max(state.announced[partition] ?? 0, announcement.end)
                        state.settle(at: now)
                    }
                }
            }
            if batch.nextOffset >= end { state.withLock { $0.isReady = true } }
        }
        await consumer.leave()
    }
}
