import EventLog
import Foundation
import KafkaLog
import KafkaTesting
import Lake
import MarketData

/// From a real broker to Parquet: the flusher as the program runs it, on the log on Kafka and a local store, in processes
/// of its own. `BenchmarkKafka BROKERS [QUOTES [ROUNDS]]`
@main
struct KafkaBenchmark {
    static let partitions: Int32 = 12

    static func main() async {
        do { try await run() } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func run() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        switch words.first {
        case "flush": try say(try await Flushing.flush(Array(words.dropFirst())))
        case "bare": try say(try Flushing.bare(Array(words.dropFirst())))
        case let brokers?:
            let quotes = words.dropFirst().first.flatMap { Int($0) } ?? 10_000_000
            let rounds = words.dropFirst(2).first.flatMap { Int($0) } ?? 3
            let isMet = try await Cluster.withTopics(at: brokers) { cluster in
                try await measure(cluster, quotes: quotes, rounds: rounds)
            }
            exit(isMet ? 0 : 1)
        case nil:
            FileHandle.standardError.write(Data("usage: BenchmarkKafka BROKERS [QUOTES [ROUNDS]]\n".utf8))
            exit(64)
        }
    }

    private static func say(_ figures: Figures) throws {
        FileHandle.standardOutput.write(try JSONEncoder().encode(figures))
    }

    private static func measure(_ cluster: Cluster, quotes: Int, rounds: Int) async throws -> Bool {
        let start = ContinuousClock.now
        let bytes = try await cluster.fill(quotes: quotes)
        print(
            "\(quotes) quotes of \(bytes / quotes) bytes in \(partitions) partitions, appended in"
                + " \(rounded((ContinuousClock.now - start) / .seconds(1), 0)) s")
        let drains = try Drains(cluster: cluster, quotes: quotes)
        var isMet = try drains.compare(rounds: rounds)
        isMet = try await drains.share() && isMet
        isMet = try await Latency(cluster: cluster).measure() && isMet
        try await Commits(cluster: cluster).measure()
        return isMet
    }
}

/// The broker that was given, and the topics made on it.
struct Cluster: Sendable {
    let brokers: String
    let log: any EventLog

    /// Makes the topics, and takes them away at the end.
    static func withTopics<Answer: Sendable>(
        at brokers: String, _ body: @Sendable (Cluster) async throws -> Answer
    ) async throws -> Answer {
        guard let administrator = Administrator(brokers: brokers) else { throw BenchmarkFault("no client") }
        guard administrator.topics(startingWith: "pregao.").isEmpty else {
            throw BenchmarkFault("the broker has topics named pregao.*: measure on one that has none")
        }
        defer { administrator.deleteTopics(startingWith: "pregao.") }
        let log = try await KafkaEventLog.open(KafkaLogSettings(brokers: brokers))
        let retention = Retention(.delete(age: nil, bytes: nil))
        for (topic, partitions) in [
            (Datasets.quotes.topic, KafkaBenchmark.partitions), (Announcement.topic, 1), (DeadLetter.topic, 1),
        ] {
            try await log.declare(TopicDeclaration(name: topic, partitions: partitions, retention: retention))
        }
        let answer = try await body(Cluster(brokers: brokers, log: log))
        await log.close()
        return answer
    }
}
