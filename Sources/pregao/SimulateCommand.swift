import Exchange
import Foundation
import Runtime
import Terminal

enum SimulateCommand {
    static let command: Command = Command(
        "simulate", "Serve the sources' wire formats on this machine, from a random walk or recorded answers",
        discussion: """
            Serves Coinbase's prices, tickers and candles for any well-formed symbol, and faults on demand. Every answer has
            its own price, and the journal has a line for each, so that what was collected can be compared with what was
            served. Faults are given as NAME=RATE (429=0.01), or with latency-ms, jitter-ms, retry-after, skew-ms,
            oversized-bytes, seed or unknown=SYMBOL. The names are \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).
            """,
        options: [
            Option("address", .value(placeholder: "ADDRESS"), "Where to listen", standard: "127.0.0.1"),
            Option("port", .value(placeholder: "PORT"), "The port; 0 takes any and prints it", standard: "8643"),
            Option("seed", .value(placeholder: "N"), "Equal seeds give equal prices", standard: "1"),
            Option("recorded", .path, "Serve the recorded answers of this folder instead of a random walk"),
            Option("journal", .path, "Write a JSON line an answer to this file"),
            Option("fault", .values(placeholder: "NAME=VALUE"), "A fault and its rate; repeatable"),
            Option("limit", .value(placeholder: "N"), "Answers a second to one address before it is told 429"),
            Option("threads", .value(placeholder: "N"), "Threads that serve", standard: "2"),
        ],
        examples: [
            Example("pregao simulate --port 8643 --journal served.jsonl", "an exchange to collect from"),
            Example("pregao simulate --fault 429=0.01 --fault html=0.001 --fault latency-ms=50", "one with bad days"),
        ], run: run)

    @Sendable private static func run(_ arguments: Arguments) async throws -> ExitCode {
        let exchange = try Exchange(try settings(arguments))
        try exchange.start()
        let shutdown = Shutdown()
        let signals = Signals(requesting: shutdown, drain: .seconds(5))
        Output.write("serving at \(exchange.baseURL)\n")
        await shutdown.requested()
        try await exchange.stop()
        withExtendedLifetime(signals) {}
        Output.complain("served \(exchange.answers) answers")
        return .success
    }

    private static func settings(_ arguments: Arguments) throws(CommandError) -> ExchangeSettings {
        var settings = ExchangeSettings(port: UInt16(try arguments.integer("port", in: 0...65_535) ?? 8643))
        if let address = arguments.value("address") { settings.address = address }
        if let threads = try arguments.integer("threads", in: 1...64) { settings.threads = threads }
        if let seed = try arguments.integer("seed", in: 0...Int.max) { settings.seed = UInt64(seed) }
        settings.requestsPerSecond = try arguments.integer("limit", in: 1...1_000_000)
        if let folder = arguments.value("recorded") {
            settings.source = .recordings(folder: URL(fileURLWithPath: folder))
        }
        if let file = arguments.value("journal") { settings.journal = URL(fileURLWithPath: file) }
        do throws(FaultPlanError) { settings.faults = try FaultPlan(parsing: arguments.all("fault")) } catch {
            throw arguments.usage("--fault \(error)")
        }
        return settings
    }
}
