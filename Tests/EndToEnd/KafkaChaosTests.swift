import Exchange
import Foundation
import KafkaTesting
import Testing

/// Pollers, flushers and archivers as processes of their own on Kafka: added, stopped, killed and frozen while quotes go
/// through, and the broker killed under them.
///
/// PREGAO_TEST_QUOTES tells how many quotes (20,000), PREGAO_TEST_SEED repeats the order of the blows.
@Suite(
    "Chaos on Kafka", .serialized, .timeLimit(.minutes(20)),
    .enabled(if: TestBroker.tool != nil || KafkaCluster.given != nil))
struct KafkaChaosTests {
    private static let quotes =
        ProcessInfo.processInfo.environment["PREGAO_TEST_QUOTES"].flatMap { Int($0) } ?? 20_000
    /// Longer than the session time-out, and than the time-out of transactions.
    private static let long = Duration.seconds(12)

    /// A blow at a process or at the broker.
    enum Blow: Hashable, CustomStringConvertible {
        case add(String)
        case stop(String)
        case kill(String)
        case freeze(String)
        /// At the waypoint inside a transaction.
        case freezeInTransaction(String)
        case killBroker(backAtOnce: Bool)

        var isOfBroker: Bool { if case .killBroker = self { true } else { false } }

        var description: String {
            switch self {
            case .add(let name): "\(name) comes"
            case .stop(let name): "\(name) is stopped and comes back"
            case .kill(let name): "\(name) is killed and comes back"
            case .freeze(let name): "\(name) is frozen for longer than its session"
            case .freezeInTransaction(let name): "\(name) is frozen inside its transaction"
            case .killBroker(let backAtOnce):
                "the broker is killed and comes back \(backAtOnce ? "at once" : "after the transactions' time-out")"
            }
        }
    }

    private static let blows: [Blow] = [
        .add("flush-4"), .stop("flush-1"), .kill("flush-2"), .freeze("flush-3"), .freezeInTransaction("flush-1"),
        .kill("archive-1"), .freeze("archive-2"), .stop("archive-1"), .kill("poll-1"),
        .killBroker(backAtOnce: true), .killBroker(backAtOnce: false),
    ]

    @Test("every quote is in one raw object, one backup and the refined table, whoever dies")
    func everyQuoteOnce() async throws {
        let cluster = try await KafkaCluster.ofItsOwn()
        var lots = SeededLots(seed: KillPlan.seed)
        var blows = Self.blows.shuffled(using: &lots)
        if cluster.broker == nil {
            print("the broker is not killed: it is KAFKA=\(cluster.address), not the tests' own")
            blows.removeAll(where: \.isOfBroker)
        }
        let symbols = (0..<50).map { "S\($0)-USD" }
        let options = Pipeline.Options(
            symbols: symbols, priceTypes: ["spot"], interval: "100ms", lease: "6s", seed: KillPlan.seed,
            partitions: 12, kafka: cluster.address)
        try await cluster.with(options) { pipeline in
            let blowing = blows
            let stages = ["flush-1", "flush-2", "flush-3", "archive-1", "archive-2"]
            for name in ["poll-1", "poll-2"] + stages { try Self.start(name, pipeline) }
            for (number, blow) in blowing.enumerated() {
                try await pipeline.answers(
                    Self.quotes / (blowing.count + 1), whileAlive: pipeline.living, within: .seconds(300))
                print("seed \(KillPlan.seed), \(number + 1) of \(blowing.count): \(blow)")
                try await Self.strike(blow, pipeline, cluster)
                try pipeline.expectAlive(pipeline.living)
            }
            let left = Self.quotes - Int(clamping: pipeline.exchange.answers)
            try await pipeline.answers(max(1000, left), whileAlive: pipeline.living, within: .seconds(600))
            for name in ["poll-1", "poll-2"] { try await pipeline.finish(name) }
            try await pipeline.drained(whileAlive: pipeline.living)
            for name in pipeline.living { try await pipeline.finish(name) }
            try await pipeline.prove()
        }
    }

    /// A feed for each poller: two of one feed would poll everything twice.
    private static func start(_ name: String, _ pipeline: Pipeline, waypoint: String? = nil) throws {
        let (command, stage) =
            switch name.prefix(4) {
            case "poll": ("poll", "poller")
            case "flus": ("flush", "flusher")
            default: ("archive", "archiver")
            }
        let feed = ["poll-1": "coinbase-spot", "poll-2": "coinbase-ticker"][name]
        try pipeline.start(
            name, [command, "--set", "\(stage).instance=\(name)"],
            settings: try feed.map { try pipeline.settingsFile(ofFeed: $0) }, waypoint: waypoint)
    }

    private static func strike(_ blow: Blow, _ pipeline: Pipeline, _ cluster: KafkaCluster) async throws {
        switch blow {
        case .add(let name): try start(name, pipeline)
        case .stop(let name):
            try await pipeline.finish(name)
            try start(name, pipeline)
        case .kill(let name):
            try await pipeline.kill(name)
            try start(name, pipeline)
        case .freeze(let name):
            let child = try pipeline.child(name)
            child.signal(SIGSTOP)
            try await thaw(child)
        case .freezeInTransaction(let name):
            try await pipeline.kill(name)
            try start(name, pipeline, waypoint: "log-in-transaction:2:freeze")
            try await thaw(pipeline.child(name))
        case .killBroker(let backAtOnce):
            try await cluster.broker?.kill()
            if !backAtOnce { try await Task.sleep(for: long) }
            try await cluster.broker?.start()
        }
    }

    /// Lets its session and its transaction time out first; it then has to find that others took over.
    private static func thaw(_ child: ChildProcess) async throws {
        do { try await eventually("\(child.name) is stopped") { child.isStopped } } catch {
            throw HarnessFault("\(error)\n\(child.lastLines())")
        }
        try await Task.sleep(for: long)
        child.signal(SIGCONT)
        try await eventually("\(child.name) goes on") { !child.isStopped }
    }
}

extension Pipeline {
    /// The processes that were started and are not known to have ended.
    fileprivate var living: [String] { children.filter { $0.value.ending == nil }.keys.sorted() }
}
