import EventLog
import Exchange
import Feeds
import Foundation
import JSON
import MarketData
import Runtime
import Synchronization

@testable import Poller

/// A folder of its own, with a real log in it; removed at the end.
final class TemporaryLog: Sendable {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "poller-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func open() async throws -> SQLiteEventLog {
        try await SQLiteEventLog.open(at: folder.appending(path: "log.sqlite").path, clock: SystemWallClock())
    }
}

extension EventLog {
    /// All rows of a dataset that the log holds, in the order of partitions and offsets.
    func rows(of dataset: Dataset) async throws -> [Observation] {
        guard try await topics().contains(where: { $0.name == dataset.topic }) else { return [] }
        var values: [[UInt8]] = []
        for (partition, marks) in try await watermarks(of: dataset.topic).sorted(by: { $0.key < $1.key }) {
            var next = marks.start
            while next < marks.end {
                let batch = try await read(partition, from: next, to: marks.end, maximumBytes: 1 << 20)
                values += batch.records.compactMap { batch.value(of: $0) }
                guard batch.nextOffset > next else { break }
                next = batch.nextOffset
            }
        }
        return try values.map { try Observation(dataset: dataset, parsing: $0) }
    }
}

extension Observation {
    func text(_ column: String) -> String? { if case .text(let text) = self[column] { text } else { nil } }

    func integer(_ column: String) -> Int64? { if case .integer(let number) = self[column] { number } else { nil } }

    func instant(_ column: String) -> Instant? { if case .instant(let time) = self[column] { time } else { nil } }

    /// A gap that a busy machine may leave anywhere: the polling thread was held up for longer than a slot.
    var isHoldUp: Bool { text("detail") == "the poller was held up" }

    /// The slots that a quote or a gap accounts for.
    var slots: Range<Instant>? {
        if let from = instant("from_time"), let to = instant("to_time") { return from..<to }
        guard let from = instant("scheduled_at"), let interval = integer("poll_interval") else { return nil }
        return from..<from.adding(microseconds: interval)
    }
}

/// Runs a poller until `isEnough` is true of what consumers of quotes and gaps have seen.
func poll(
    _ settings: PollerSettings, log: any EventLog, clock: any WallClock = SystemWallClock(),
    metrics: Metrics = Metrics(), readiness: Readiness = Readiness(),
    until isEnough: @escaping @Sendable ([Observation]) -> Bool
) async throws {
    let shutdown = Shutdown()
    let poller = Poller(
        settings: settings, log: log, clock: clock, logger: Logger(component: "poller", minimum: .error),
        metrics: metrics, readiness: readiness)
    for dataset in [Datasets.quotes, Datasets.gaps] { try await declare(dataset, in: log) }
    let consumer = try await log.join(
        group: "test-\(UUID().uuidString)", instance: "test", topics: [Datasets.quotes.topic, Datasets.gaps.topic])
    let earlier = try await log.rows(of: Datasets.quotes).count + log.rows(of: Datasets.gaps).count
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await poller.run(until: shutdown) }
        group.addTask {
            defer { shutdown.request() }
            var seen: [Observation] = []
            while !Task.isCancelled {
                guard let event = try await consumer.next(waitingAtMost: .seconds(1)) else { continue }
                guard case .records(let batch) = event, let dataset = Datasets.ofTopic(batch.source.topic) else {
                    continue
                }
                for record in batch.records {
                    guard let value = batch.value(of: record) else { continue }
                    seen.append(try Observation(dataset: dataset, parsing: value))
                }
                if seen.count > earlier, isEnough(Array(seen.dropFirst(earlier))) { break }
            }
            await consumer.leave()
        }
        try await group.waitForAll()
    }
}

private func declare(_ dataset: Dataset, in log: any EventLog) async throws {
    try await log.declare(
        TopicDeclaration(name: dataset.topic, partitions: 1, retention: Retention(.delete(age: nil, bytes: nil))))
}

/// Settings for one symbol of `coinbase-spot` or more, polled often.
func spotSettings(_ exchange: String, _ symbols: [String] = ["BTC-USD"], interval: Duration = .milliseconds(100))
    -> PollerSettings
{
    var settings = PollerSettings()
    settings.feeds = [
        PollerSettings.Feed(name: "coinbase-spot", symbols: symbols, interval: interval, priceTypes: ["spot"])
    ]
    settings.baseURLs = ["coinbase-spot": exchange, "coinbase-ticker": exchange, "coinbase-candles": exchange]
    settings.linger = .milliseconds(1)
    settings.longestOpenGap = .milliseconds(200)
    return settings
}

extension Thread {
    /// Calls `body` once the exchange has answered so often; on a thread, since nothing tells of answers.
    static func detach(whenAnswers count: UInt64, of exchange: Exchange, _ body: @escaping @Sendable () -> Void) {
        detachNewThread {
            while exchange.answers < count { sched_yield() }
            body()
        }
    }
}
