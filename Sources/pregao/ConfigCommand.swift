import Configuration
import Poller
import Terminal

enum ConfigCommand {
    static let command: Command = Command(
        "config", "Check and show the settings",
        subcommands: [
            Command(
                "check", "List every fault of the settings, with file, line and column",
                discussion: "Exit code 0 where all is well, 78 where anything is not.",
                options: CommonOptions.settings,
                examples: [Example("pregao config check --config pregao.yml", "before a restart")], run: check),
            Command(
                "example", "Print a settings file to begin with, every setting explained",
                options: [
                    Option("local", .flag, "For the local exchange of 'pregao simulate'"),
                    Option("port", .value(placeholder: "PORT"), "The local exchange's port", standard: "8643"),
                ],
                examples: [Example("pregao config example > pregao.yml", "a file to begin with")], run: example),
            Command(
                "reference", "Print a table of all settings, in Markdown",
                run: { _ in
                    Output.write(ConfigurationReference.markdown)
                    return .success
                }),
        ])

    @Sendable private static func check(_ arguments: Arguments) async throws -> ExitCode {
        do {
            let configuration = try arguments.configuration()
            let symbols = configuration.poller.feeds.reduce(0) { $0 + $1.symbols.count }
            Output.write(
                "the settings are in order: \(configuration.poller.feeds.count) feeds, \(symbols) symbols, data in \(configuration.data)\n"
            )
            return .success
        } catch let faults as ConfigurationFaults {
            for fault in faults.faults { Output.complain("\(fault)") }
            Output.complain("\(faults.faults.count) \(faults.faults.count == 1 ? "fault" : "faults")")
            return .configuration
        }
    }

    @Sendable private static func example(_ arguments: Arguments) async throws -> ExitCode {
        let port = try arguments.integer("port", in: 1...65_535) ?? 8643
        let local = "http://127.0.0.1:\(port)"
        Output.write(
            ConfigurationReference.example(
                data: "pregao-data",
                feeds: [("coinbase-spot", ["BTC-USD", "ETH-USD"]), ("coinbase-ticker", ["BTC-USD", "ETH-USD"])],
                baseURLs: arguments.has("local") ? ["coinbase": local, "coinbase-exchange": local] : [:]))
        return .success
    }
}
