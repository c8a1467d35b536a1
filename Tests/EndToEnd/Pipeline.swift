import Exchange
import Foundation

/// A data folder, an exchange to collect from, and the processes at work on it.
final class Pipeline {
    struct Options {
        var symbols = ["BTC-USD", "ETH-USD", "SOL-USD", "ADA-USD", "XRP-USD", "DOGE-USD", "LTC-USD", "DOT-USD"]
        /// What the ticker is asked for; nil for all symbols.
        var tickerSymbols: [String]?
        var priceTypes = ["spot", "buy"]
        var interval = "250ms"
        var lease = "2s"
        var faults = FaultPlan()
        var seed: UInt64 = 1
        var source = ExchangeSettings.Source.randomWalk
        var partitions = 4
        /// The cluster of the log; nil for the embedded log.
        var kafka: String?
        var catalog = CatalogPlace.files

        /// Where the catalog's metadata are.
        enum CatalogPlace {
            /// In the data folder.
            case files
            case settings([String: String])

            var lines: [String] {
                guard case .settings(let settings) = self else { return [] }
                return ["catalog:"] + settings.sorted { $0.key < $1.key }.map { "  \($0.key): \"\($0.value)\"" }
            }
        }

        /// How many are polled, an answer each in every interval.
        var series: Int { symbols.count * priceTypes.count + (tickerSymbols ?? symbols).count }
    }

    let folder: URL
    let exchange: Exchange
    private let options: Options
    let journal: URL
    private(set) var children: [String: ChildProcess] = [:]
    private var starts = 0

    init(_ options: Options) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "pregao-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        journal = folder.appending(path: "journal.jsonl")
        self.options = options
        exchange = try Exchange(
            ExchangeSettings(
                seed: options.seed, source: options.source, faults: options.faults, journal: journal))
        try exchange.start()
        try Data(Self.settings(options, data: folder.appending(path: "data"), exchange.baseURL).utf8).write(
            to: settingsFile)
    }

    var kafka: String? { options.kafka }
    var data: URL { folder.appending(path: "data") }
    /// The raw store's root.
    var lake: URL { data.appending(path: "lake") }
    var settingsFile: URL { folder.appending(path: "pregao.yml") }

    /// The settings of a poller that has one feed of the two.
    func settingsFile(ofFeed feed: String) throws -> URL {
        let file = folder.appending(path: "\(feed).yml")
        let text = Self.settings(options, data: data, exchange.baseURL, feeds: [feed])
        try Data(text.utf8).write(to: file)
        return file
    }

    private static func feeds(_ options: Options) -> KeyValuePairs<String, String> {
        [
            "coinbase-spot": """
            symbols: [\(options.symbols.joined(separator: ", "))]
                price-types: [\(options.priceTypes.joined(separator: ", "))]
            """,
            "coinbase-ticker": "symbols: [\((options.tickerSymbols ?? options.symbols).joined(separator: ", "))]",
        ]
    }

    private static func settings(
        _ options: Options, data: URL, _ exchange: String, feeds: Set<String> = ["coinbase-spot", "coinbase-ticker"]
    ) -> String {
        let feeds = Self.feeds(options).filter { feeds.contains($0.key) }
            .map { "  \($0.key):\n    \($0.value)\n    interval: \(options.interval)" }.joined(separator: "\n")
        return """
            data: \(data.path)
            drain: 80s
            log:
              kind: \(options.kafka == nil ? "sqlite" : "kafka")
              partitions: \(options.partitions)
              lease: \(options.lease)
            \(options.kafka.map { "kafka:\n  brokers: \($0)" } ?? "")
            feeds:
            \(feeds)
            sources:
              coinbase:
                base-url: \(exchange)
                requests-per-second: 100000
              coinbase-exchange:
                base-url: \(exchange)
                requests-per-second: 100000
            flusher:
              interval: 1s
            archiver:
              window: 200ms
            batch:
              poll: 200ms
              refresh: 1s
            console:
              port: 0
            \(options.catalog.lines.joined(separator: "\n"))

            """
    }

    // MARK: - Processes

    /// Starts a command that stays; its name tells its process from others of the same command.
    func start(_ name: String, _ arguments: [String], settings: URL? = nil, waypoint: String? = nil) throws {
        starts += 1
        children[name] = try ChildProcess(
            name: name, BuiltProgram.pregao, arguments + ["--config", (settings ?? settingsFile).path],
            environment: waypoint.map { ["PREGAO_WAYPOINT": $0] } ?? [:],
            output: folder.appending(path: "\(starts)-\(name).out"))
    }

    func child(_ name: String) throws -> ChildProcess {
        guard let child = children[name] else { throw HarnessFault("\(name) was never started") }
        return child
    }

    /// Runs a command to its end.
    @discardableResult
    func run(_ arguments: [String], within limit: Duration = .seconds(120)) async throws -> (
        ending: ChildProcess.Ending, output: String
    ) {
        starts += 1
        let output = folder.appending(path: "\(starts)-\(arguments.first ?? "").out")
        let child = try ChildProcess(
            name: arguments.joined(separator: " "), BuiltProgram.pregao, arguments + ["--config", settingsFile.path],
            output: output)
        do {
            try await eventually("the end of pregao \(arguments.joined(separator: " "))", within: limit) {
                child.ending != nil
            }
        } catch {
            child.signalGroup(SIGKILL)
            throw HarnessFault("\(error)\n\(child.lastLines())")
        }
        guard let ending = child.ending else { throw HarnessFault("no ending") }
        return (ending, try String(contentsOf: output, encoding: .utf8))
    }

    /// Waits until the exchange has given so many more answers; the processes named must live on meanwhile.
    func answers(_ count: Int, whileAlive names: [String], within limit: Duration = .seconds(90)) async throws {
        let target = exchange.answers + UInt64(count)
        try await eventually("\(count) more answers", within: limit) {
            try expectAlive(names)
            return exchange.answers >= target
        }
    }

    func expectAlive(_ names: [String]) throws {
        for name in names {
            let child = try child(name)
            if let ending = child.ending { throw HarnessFault("\(name) \(ending) by itself:\n\(child.lastLines())") }
        }
    }

    func kill(_ name: String) async throws {
        let child = try child(name)
        child.signal(SIGKILL)
        try await eventually("the end of \(name)") { child.ending != nil }
    }

    /// Asks a process that is at work to finish, and expects it to exit with 0.
    func finish(_ name: String) async throws {
        let child = try child(name)
        child.signal(SIGTERM)
        do { try await eventually("the end of \(name)") { child.ending != nil } } catch {
            throw HarnessFault("\(error)\n\(child.lastLines())")
        }
        guard child.ending == .exited(0) else {
            throw HarnessFault("\(name) \(child.ending.map { "\($0)" } ?? "lives"):\n\(child.lastLines())")
        }
    }

    /// Ends everything; the folder goes with it unless a person has to look at it.
    func close(keepingFolder: Bool) async {
        for child in children.values {
            child.signalGroup(SIGCONT)
            child.signalGroup(SIGKILL)
        }
        try? await exchange.stop()
        if keepingFolder {
            print("the data, the journal and each process's output stay in \(folder.path)")
        } else {
            try? FileManager.default.removeItem(at: folder)
        }
    }
}
