import EventLog
import Exchange
import Foundation
import MarketData
import Poller
import Runtime

/// The poller against a bare libcurl loop, and its punctuality, both against the local exchange in a process of its
/// own. `taskset -c 0` gives the poller the one core that the goals are about.
@main
struct PollerBenchmark {
    static let shareGoal = 0.5
    static let punctualGoal = 0.99

    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "serve" { return try await serve() }
        let seconds = arguments.isEmpty ? 3 : Double(arguments.removeFirst()) ?? 3
        let rounds = arguments.isEmpty ? 5 : Int(arguments.removeFirst()) ?? 5
        let server = try Server()
        defer { server.stop() }
        let isFast = try await measureRate(server.url, seconds, rounds)
        let isPunctual = try await measurePunctuality(server.url, seconds: max(seconds, 10))
        exit(isFast && isPunctual ? 0 : 1)
    }

    /// The exchange; it tells its address on standard output, and ends with its standard input.
    private static func serve() async throws {
        let exchange = try Exchange()
        try exchange.start()
        print(exchange.baseURL)
        fflush(nil)
        _ = readLine()
        try await exchange.stop()
    }

    // MARK: - Rate

    private static let inFlight = 64

    private static func measureRate(_ url: String, _ seconds: Double, _ rounds: Int) async throws -> Bool {
        print("requests of one price over \(inFlight) connections, \(rounds) paired rounds of \(seconds) s")
        var ours: [Speed] = []
        var bare: [Speed] = []
        for _ in 0...rounds {
            bare.append(runBare(url, seconds))
            ours.append(try await poll(url, perSecond: bare.last?.perSecond ?? 1000, seconds))
        }
        (ours, bare) = (Array(ours.dropFirst()), Array(bare.dropFirst()))
        let ratios = zip(ours, bare).map { $0.perProcessorSecond / $1.perProcessorSecond }
        print("poller     \(figures(ours))")
        print("bare loop  \(figures(bare))")
        print(
            "ratio by processor time \(rounded(median(ratios))), from",
            ratios.sorted().map(rounded).joined(separator: " "))
        let isMet = median(ratios) >= shareGoal
        print("at least \(shareGoal): \(isMet ? "met" : "missed")")
        return isMet
    }

    private static func figures(_ speeds: [Speed]) -> String {
        "\(Int(median(speeds.map(\.perSecond)))) requests/s, "
            + "\(Int(median(speeds.map(\.perProcessorSecond)))) a processor second"
    }

    private static func runBare(_ url: String, _ seconds: Double) -> Speed {
        let urls = symbols(400).map { "\(url)/v2/prices/\($0)/spot" }
        let loop = BareLoop(urls: urls, inFlight: inFlight)
        defer { loop.close() }
        let watch = Stopwatch()
        return Speed(loop.run(for: seconds, urls), watch)
    }

    /// As much is due as the bare loop could do: the source's places are always taken, as the bare loop's are.
    private static func poll(_ url: String, perSecond rate: Double, _ seconds: Double) async throws -> Speed {
        let count = max(1, Int(rate / 100))
        var settings = settings(url, symbols: count, interval: .milliseconds(10))
        settings.sources = ["coinbase": SourceLimits(maximumInFlight: inFlight)]
        let log = NullLog()
        let watch = Stopwatch()
        try await run(settings, log, Metrics(), seconds)
        return Speed(log.count(of: Datasets.quotes.topic), watch)
    }

    // MARK: - Punctuality

    private static func measurePunctuality(_ url: String, seconds: Double) async throws -> Bool {
        let metrics = Metrics()
        let log = NullLog()
        let watch = Stopwatch()
        try await run(settings(url, symbols: 10_000, interval: .seconds(1)), log, metrics, seconds)
        let load = watch.processorSeconds / watch.seconds
        guard
            case .histogram(let lateness) = metrics.snapshot()
                .first(where: { $0.series.name == "pregao_poller_lateness_seconds" })?.figure
        else { return false }
        let all = lateness.counts.reduce(0, +)
        print("10,000 symbols once a second for \(Int(seconds)) s: \(all) polls, \(rounded(load)) of a core")
        print("quotes \(log.count(of: Datasets.quotes.topic)), gaps \(log.count(of: Datasets.gaps.topic))")
        var below: UInt64 = 0
        var punctual = 0.0
        for (bound, count) in zip(lateness.bounds, lateness.counts) {
            below += count
            let share = Double(below) / Double(max(all, 1))
            if bound == 0.05 { punctual = share }
            if bound <= 1 { print("started within \(Int(bound * 1000)) ms of due: \(rounded(share * 100)) %") }
        }
        print("at least \(Int(punctualGoal * 100)) % within 50 ms: \(punctual >= punctualGoal ? "met" : "missed")")
        return punctual >= punctualGoal
    }

    // MARK: - Both

    private static func symbols(_ count: Int) -> [String] { (0..<count).map { "S\($0)-USD" } }

    private static func settings(_ url: String, symbols count: Int, interval: Duration) -> PollerSettings {
        var settings = PollerSettings()
        settings.feeds = [
            PollerSettings.Feed(
                name: "coinbase-spot", symbols: symbols(count), interval: interval, priceTypes: ["spot"])
        ]
        settings.taskFeeds = []
        settings.baseURLs = ["coinbase-spot": url]
        return settings
    }

    private static func run(_ settings: PollerSettings, _ log: NullLog, _ metrics: Metrics, _ seconds: Double)
        async throws
    {
        let shutdown = Shutdown()
        let poller = Poller(
            settings: settings, log: log, logger: Logger(component: "poller", minimum: .error), metrics: metrics)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await poller.run(until: shutdown) }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                shutdown.request()
            }
            try await group.waitForAll()
        }
    }
}

/// The exchange in a process of its own, on the machine's other cores.
final class Server {
    let url: String
    private let process = Process()
    private let input = Pipe()

    init() throws {
        let output = Pipe()
        let cores = ProcessInfo.processInfo.processorCount
        process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
        process.arguments = ["-c", cores > 1 ? "1-\(cores - 1)" : "0", CommandLine.arguments[0], "serve"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        url = line.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
