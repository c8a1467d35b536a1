import Foundation
import Testing

/// The built program as scripts and people meet it.
@Suite("The program's command line", .timeLimit(.minutes(5)))
struct CommandLineTests {
    // MARK: - Help

    /// The names below "Commands:" of a help text.
    private static func commands(in help: String) -> [String] {
        let lines = help.components(separatedBy: "\n")
        guard let start = lines.firstIndex(of: "Commands:") else { return [] }
        return lines[(start + 1)...].prefix { $0.hasPrefix("  ") }.compactMap {
            $0.split(separator: " ").first.map(String.init)
        }
    }

    @Test("every command of the tree explains itself")
    func help() async throws {
        let prompt = try Prompt()
        var waiting: [[String]] = [[]]
        var count = 0
        while let path = waiting.popLast() {
            count += 1
            let answer = try await prompt.pregao(words: path + ["--help"])
            #expect(answer.code == 0 && answer.complaints.isEmpty, "\(path)")
            #expect(answer.output.contains("Usage: \((["pregao"] + path).joined(separator: " "))"), "\(path)")
            #expect(answer.output.contains("--help"), "\(path)")
            waiting += Self.commands(in: answer.output).map { path + [$0] }
        }
        #expect(count > 20)
    }

    // MARK: - Refusals

    @Test(
        "a refusal has its exit code, says what is wrong and what to do next, and writes nothing to standard output",
        arguments: [
            (["verfy"], Int32(64), "Did you mean 'verify'?", "pregao --help"),
            (["verify", "--ful"], 64, "Did you mean '--full'?", "pregao verify --help"),
            (["verify", "--since", "yesterday"], 64, "YYYY-MM-DD", "pregao verify --help"),
            (["run", "--for", "soon"], 64, "60s", "pregao run --help"),
            (["query"], 64, "give one of SQL, --file or --saved", "pregao query --help"),
            (["query", "--saved", "nope"], 64, "no saved query 'nope'", "pregao query --list"),
            (["completions", "tcsh"], 64, "bash, zsh, fish", "pregao completions --help"),
            (["run", "--set", "flusher.intervall=1s"], 78, "there is no setting 'flusher.intervall'", "config check"),
            (["run", "--config", "nope.yml"], 78, "cannot read the settings file nope.yml", "config example"),
            (["run", "--set", "=1s"], 78, "there is no setting ''", "config check"),
            (["run", "--set", "data=a[1]"], 78, "may not hold '['", "config check"),
            (["run", "--set", "batch.models=nowhere"], 78, "batch.models: there is no folder", "config check"),
            (["run", "--set", "catalog.duckdb=nowhere"], 78, "catalog.duckdb: there is no program", "config check"),
            (["run", "--set", "console.address=here"], 78, "not a numeric IPv4 or IPv6 address", "config check"),
            (["query", "SELECT 1; ATTACH 'x'"], 64, "begins with ATTACH is not run", "pregao catalog attach"),
            (["query", "COPY (SELECT 1) TO 'file'"], 64, "begins with COPY is not run", "pregao catalog attach"),
            (["verify"], 69, "there is none", "pregao run"),
            (["log", "topics"], 69, "there is no such file", "start what writes it"),
            (["run", "--for", "1s", "--set", "data=file"], 74, "Not a directory", "writable"),
            (["run", "--for", "1s", "--set", "data=/proc/pregao"], 74, "/proc/pregao", "writable"),
        ])
    func refusal(words: [String], code: Int32, says: String, next: String) async throws {
        let prompt = try Prompt()
        try prompt.write("a file where a folder should be", to: "file")
        let answer = try await prompt.pregao(words: words)
        #expect(answer.code == code, "\(answer.complaints)")
        #expect(answer.output.isEmpty)
        #expect(answer.complaints.contains(says), "\(answer.complaints)")
        #expect(answer.complaints.contains(next), "\(answer.complaints)")
    }

    @Test("config check lists every fault with file, line and column")
    func check() async throws {
        let prompt = try Prompt()
        try prompt.write("flusher:\n  interval: soon\n  sise: 1MiB\nlog:\n  partitions: 0\n", to: "pregao.yml")
        let answer = try await prompt.pregao("config", "check")
        #expect(answer.code == 78)
        for place in ["pregao.yml:2:13: ", "pregao.yml:3:3: ", "pregao.yml:5:15: ", "3 faults"] {
            #expect(answer.complaints.contains(place), "\(answer.complaints)")
        }
    }

    @Test("what only shows between settings is told by the setting's name and place")
    func between() async throws {
        let prompt = try Prompt()
        let text = """
            sources:
              coinbase: {base-url: "ftp://x"}
            feeds:
              coinbase-spot: {symbols: [BTC-USD, BTC-USD]}
              coinbase-ticker: {symbols: [not a symbol]}
            flusher: {memory: 1MiB}
            drain:
            """
        try prompt.write(text, to: "pregao.yml")
        let answer = try await prompt.pregao("config", "check")
        #expect(answer.code == 78)
        for fault in [
            "pregao.yml:2:24: sources.coinbase.base-url: ftp://x is not",
            "pregao.yml:4:28: feeds.coinbase-spot.symbols ",
            "pregao.yml:5:30: feeds.coinbase-ticker.symbols[0]: not a symbol",
            "pregao.yml:6:19: flusher.memory: is below",
            "drain takes a duration, 1s to 10m, and nothing is given", "5 faults",
        ] {
            #expect(answer.complaints.contains(fault), "\(fault): \(answer.complaints)")
        }
    }

    @Test("settings that are not UTF-8 are refused as that")
    func notUTF8() async throws {
        let prompt = try Prompt()
        try Data([0x64, 0xff]).write(to: prompt.folder.appending(path: "pregao.yml"))
        let answer = try await prompt.pregao("config", "check")
        #expect(answer.code == 78 && answer.complaints.contains("it is not UTF-8"))
    }

    @Test("the settings to begin with are in order, with and without the local exchange", arguments: ["", "--local"])
    func example(option: String) async throws {
        let answer = try await Prompt().bash(
            "pregao config example \(option) > pregao.yml; pregao config check; pregao schedule")
        #expect(answer.code == 0, "\(answer.complaints)")
        #expect(answer.output.contains("the settings are in order"))
        #expect(answer.output.contains("every 1s"))
    }

    // MARK: - Output

    @Test("a result that cannot be written whole is an error", arguments: ["config example", "config reference"])
    func full(command: String) async throws {
        let answer = try await Prompt().bash("pregao \(command) > /dev/full")
        #expect(answer.code == 74)
        #expect(answer.complaints.contains("cannot write to standard output: No space left on device"))
    }

    // MARK: - Shells

    @Test("bash takes the completions, and completes commands and options")
    func bash() async throws {
        let answer = try await Prompt().bash(
            """
            pregao completions bash > script; bash -n script; source ./script
            COMP_WORDS=(pregao ver) COMP_CWORD=1; _pregao; echo "${COMPREPLY[@]}"
            COMP_WORDS=(pregao verify --fu) COMP_CWORD=2; _pregao; echo "${COMPREPLY[@]}"
            COMP_WORDS=(pregao query --format c) COMP_CWORD=3; _pregao; echo "${COMPREPLY[@]}"
            """)
        #expect(answer.code == 0, "\(answer.complaints)")
        #expect(answer.output == "verify version\n--full\ncsv\n")
    }

    @Test("zsh and fish take theirs", arguments: ["zsh", "fish"])
    func others(shell: String) async throws {
        let answer = try await Prompt().bash("pregao completions \(shell) > script; \(shell) -n script")
        #expect(answer.code == 0, "\(answer.complaints)")
    }

    // MARK: - Documents

    @Test("docs/settings.md has the settings as the program knows them")
    func settings() async throws {
        let reference = try await Prompt().pregao("config", "reference").output
        let page = try String(contentsOf: BuiltProgram.package.appending(path: "docs/settings.md"), encoding: .utf8)
        #expect(page.hasSuffix(reference), "pregao config reference tells otherwise than docs/settings.md")
    }
}
