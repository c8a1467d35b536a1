import Testing

@testable import Terminal

@Suite("The command line")
struct CommandLineTests {
    static let root = Command(
        "pregao", "Collects.",
        subcommands: [
            Command(
                "verify", "Proves.",
                options: [
                    Option("full", .flag, "Every byte."), Option("since", .value(placeholder: "DAY"), "From this day."),
                    Option("format", .choice(["table", "csv"]), "How.", standard: "table"),
                    Option("config", short: "c", .path, "Settings."),
                    Option("symbol", .values(placeholder: "SYMBOL"), "Which."),
                ], run: { _ in .success }),
            Command(
                "config", "Settings.",
                subcommands: [
                    Command("check", "Checks.", positionals: [Positional("FILE", "The file.")], run: { _ in .success })
                ]),
            Command("version", "Says which.", run: { _ in .success }),
        ])

    private func arguments(_ words: [String]) throws -> Arguments {
        guard case .run(_, let arguments) = try Self.root.invocation(of: words) else {
            throw CommandError("help", exitCode: .software)
        }
        return arguments
    }

    @Test("flags, values, repeated values, short names and positionals are read")
    func reads() throws {
        let verify = try arguments([
            "verify", "--full", "--since=2026-01-01", "-c", "a.yml", "--symbol", "A", "--symbol", "B",
        ])
        #expect(verify.has("full"))
        #expect(verify.value("since") == "2026-01-01")
        #expect(verify.value("config") == "a.yml")
        #expect(verify.all("symbol") == ["A", "B"])
        #expect(try arguments(["config", "check", "--", "-odd"]).positionals == ["-odd"])
    }

    @Test(
        "what is wrong is named, with the nearest right word",
        arguments: [
            (["verfy"], "Did you mean 'verify'?"), (["verify", "--ful"], "Did you mean '--full'?"),
            (["verify", "--since"], "needs a value"), (["verify", "--format", "xml"], "one of table, csv"),
            (["verify", "--full=yes"], "takes no value"), (["verify", "x"], "unexpected argument 'x'"),
            (["config", "check"], "FILE is missing"), (["verify", "--since", "a", "--since", "b"], "more than once"),
            (["config", "--nope"], "unknown option '--nope'"),
        ])
    func refuses(words: [String], says: String) {
        let error = #expect(throws: CommandError.self) { try Self.root.invocation(of: words) }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
        #expect(error?.exitCode == .usage)
    }

    @Test(
        "help is found from anywhere",
        arguments: [
            [], ["--help"], ["help"], ["verify", "--help"], ["help", "verify"], ["config"], ["config", "check", "-h"],
        ])
    func help(words: [String]) throws {
        guard case .help(let command, let path) = try Self.root.invocation(of: words) else {
            Issue.record("no help for \(words)")
            return
        }
        let text = command.help(path: path)
        #expect(text.contains("Usage: \(path.joined(separator: " "))"))
        for option in command.options { #expect(text.contains("--\(option.name)")) }
    }

    @Test("--version is the command that says it")
    func version() throws {
        #expect(try arguments(["--version"]).path == ["pregao", "version"])
    }

    @Test("every command and option is in each shell's completions", arguments: Shell.allCases)
    func completions(shell: Shell) {
        let script = shell.completions(of: Self.root)
        for word in ["verify", "config", "check", "full", "since", "format"] { #expect(script.contains(word)) }
    }

    @Test("a table aligns its columns and shows no control characters")
    func table() {
        var table = Table(["key", "rows"])
        table.append([.text("a\u{1B}[31m"), .number(5)])
        table.append([.text("longer"), .number(1200)])
        #expect(table.text == "key     rows\n──────  ────\na?[31m     5\nlonger  1200\n")
    }
}
