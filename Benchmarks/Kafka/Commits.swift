import EventLog
import Foundation
import KafkaBaseline
import Lake
import MarketData

/// What it costs that a commit is a transaction: a position moved and a message appended together, against the same at
/// least once, by librdkafka alone.
struct Commits {
    static let count = 300

    let cluster: Cluster

    func measure() async throws {
        print("\na commit of one position and one announcement, \(Self.count) of each")
        let announcement = [UInt8](repeating: UInt8(ascii: "x"), count: 900)
        let transactions = try await commitAll(announcement)
        var bare = [Double](repeating: 0, count: Self.count)
        let code = kafka_baseline_commits(
            cluster.brokers, "bench.commits-bare", Datasets.quotes.topic, Announcement.topic, announcement,
            announcement.count, &bare, bare.count)
        guard code == 0 else { throw BenchmarkFault("the bare commits failed") }
        for (name, times) in [("in a transaction ", transactions), ("at least once    ", bare)] {
            print(
                "\(name)  \(rounded(median(times) * 1000, 1)) ms (half of them), \(rounded(quantile(times, 0.99) * 1000, 1))"
                    + " ms (99 %)")
        }
        print("the transaction costs \(rounded((median(transactions) - median(bare)) * 1000, 1)) ms more a commit")
    }

    private func commitAll(_ announcement: [UInt8]) async throws -> [Double] {
        let consumer = try await cluster.log.join(
            group: "bench.commits", instance: "one", topics: [Datasets.quotes.topic])
        let source = TopicPartition(topic: Datasets.quotes.topic, partition: 0)
        var position: Offset?
        while position == nil {
            guard case .assigned(let starts)? = try await consumer.next(waitingAtMost: .seconds(10)) else { continue }
            position = starts[source]
        }
        await consumer.pause([source])
        var times: [Double] = []
        // The first finds out where the topic is.
        for round in 0...Self.count {
            let start = (position ?? 0) + Int64(round)
            let began = ContinuousClock.now
            _ = try await consumer.commit(
                CommitBatch(
                    advances: [.init(partition: source, start: start, end: start + 1)],
                    appends: [OutgoingMessage(topic: Announcement.topic, key: nil, value: announcement)]))
            if round > 0 { times.append((ContinuousClock.now - began) / .seconds(1)) }
        }
        await consumer.leave()
        return times
    }
}
