import Exchange
import Foundation
import Runtime
import Testing

/// What a page tells a reader to type works as it stands. Blocks marked `sh` are run in their order as one script.
@Suite("The pages' commands", .serialized, .timeLimit(.minutes(5)))
struct ReadmeTests {
    static let pages = ["README.md", "docs/collecting.md", "docs/consuming.md", "docs/querying.md"]

    /// The lines of a page's blocks of code in this language.
    static func lines(of page: String, in language: String = "sh") throws -> [String] {
        var isCode = false
        var lines: [String] = []
        for line in try String(contentsOf: BuiltProgram.package.appending(path: page), encoding: .utf8)
            .components(separatedBy: "\n")
        {
            if line == "```\(language)" {
                isCode = true
            } else if line == "```" {
                isCode = false
            } else if isCode {
                lines.append(line)
            }
        }
        return lines
    }

    @Test("every command of a page works", arguments: pages)
    func works(page: String) async throws {
        let commands = try Self.lines(of: page).filter { !$0.hasPrefix("make ") }
        #expect(commands.contains { $0.hasPrefix("pregao run") })
        // The port that the pages name may be in use here.
        let script = commands.joined(separator: "\n").replacing("8643", with: "\(try await Self.freePort())")
        let answer = try await Prompt().bash(
            "trap 'kill $(jobs -p) 2> kill.txt || true' EXIT\n" + script, environment: ["PREGAO_CONSOLE_PORT": "0"],
            within: .seconds(280))
        #expect(answer.code == 0, "\(answer.output)\n\(answer.complaints)")
    }

    @Test("the targets that a page names are there", arguments: pages)
    func targets(page: String) throws {
        let makefile = try String(contentsOf: BuiltProgram.package.appending(path: "Makefile"), encoding: .utf8)
        for line in try Self.lines(of: page) where line.hasPrefix("make ") {
            #expect(makefile.contains("\n\(line.dropFirst("make ".count)):"), "\(line)")
        }
    }

    @Test("every link between pages leads somewhere")
    func links() throws {
        let docs = try FileManager.default.contentsOfDirectory(
            atPath: BuiltProgram.package.appending(path: "docs").path)
        for page in ["README.md"] + docs.filter({ $0.hasSuffix(".md") }).map({ "docs/\($0)" }) {
            let file = BuiltProgram.package.appending(path: page)
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: /\]\(([^)#]+)(#[^)]*)?\)/) {
                let target = String(match.1)
                guard !target.contains("://") else { continue }
                let place = file.deletingLastPathComponent().appending(path: target)
                #expect(FileManager.default.fileExists(atPath: place.path), "\(page): \(target)")
            }
        }
    }

    static func freePort() async throws -> UInt16 {
        let exchange = try Exchange(ExchangeSettings(port: 0))
        try exchange.start()
        let port = exchange.port
        try await exchange.stop()
        return port
    }

    @Test("the demo collects, shows and proves, and leaves a folder that answers")
    func demo() async throws {
        let prompt = try Prompt()
        let demo = BuiltProgram.package.appending(path: "scripts/demo").path
        let answer = try await prompt.bash(
            "exec \"$1\"", [demo],
            environment: [
                "DEMO_SECONDS": "6", "DEMO_FOLDER": prompt.folder.appending(path: "demo").path,
                "PREGAO": BuiltProgram.pregao.path,
            ])
        #expect(answer.code == 0, "\(answer.output)\n\(answer.complaints)")
        #expect(answer.output.contains("proven: nothing is missing, nothing is twice"))
        let count = try await prompt.bash(
            "cd demo; pregao query --format csv 'SELECT count(*) > 0 AS some FROM lake.refined.quotes_1m'")
        #expect(count.output.contains("true"), "\(count.output)\(count.complaints)")
    }

    @Test("a demo that is told to end stops what it started, and says so by its exit code")
    func interruptedDemo() async throws {
        let prompt = try Prompt()
        let folder = prompt.folder.appending(path: "demo")
        let child = try ChildProcess(
            name: "demo", BuiltProgram.package.appending(path: "scripts/demo"), [],
            environment: ["DEMO_FOLDER": folder.path, "PREGAO": BuiltProgram.pregao.path, "DEMO_SECONDS": "600"],
            output: prompt.folder.appending(path: "demo.out"))
        let status = StatusFolder(folder.appending(path: "pregao-data/status").path)
        try await eventually("a collecting demo") {
            if let ending = child.ending { throw HarnessFault("the demo \(ending):\n\(child.lastLines())") }
            return status.all().contains { $0.name.hasPrefix("run-") }
        }
        let pid = try #require(status.all().first { $0.name.hasPrefix("run-") }).pid
        child.signal(SIGTERM)
        try await eventually("the end of the demo") { child.ending != nil }
        #expect(child.ending == .exited(143), "\(child.lastLines())")
        #expect(kill(pid, 0) != 0)
        // The prompt's end removes the folder that the demo is in, and Swift may end it after its last use.
        withExtendedLifetime(prompt) {}
    }
}
