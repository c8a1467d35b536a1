import Foundation
import Testing

@Suite("A child process", .timeLimit(.minutes(1)))
struct ChildProcessTests {
    private static func with(
        _ script: String, environment: [String: String] = [:], _ body: (ChildProcess) async throws -> Void
    ) async throws {
        let output = FileManager.default.temporaryDirectory.appending(path: "child-\(UUID().uuidString).out")
        defer { try? FileManager.default.removeItem(at: output) }
        let child = try ChildProcess(
            name: "shell", URL(filePath: "/bin/sh"), ["-c", script], environment: environment, output: output)
        defer { child.signalGroup(SIGKILL) }
        try await body(child)
    }

    @Test("its exit code, its output and its environment are seen")
    func exit() async throws {
        try await Self.with("echo said $WORD; echo loud >&2; exit 7", environment: ["WORD": "hello"]) { child in
            try await eventually("the end") { child.ending != nil }
            #expect(child.ending == .exited(7))
            #expect(child.lastLines() == "said hello\nloud")
        }
    }

    @Test("it is stopped, goes on, and is killed")
    func signals() async throws {
        try await Self.with("exec sleep 1000") { child in
            child.signal(SIGSTOP)
            try await eventually("the stop") { child.isStopped }
            child.signal(SIGCONT)
            try await eventually("going on") { !child.isStopped }
            #expect(child.ending == nil)
            child.signal(SIGKILL)
            try await eventually("the end") { child.ending != nil }
            #expect(child.ending == .killed(SIGKILL))
        }
    }

    @Test("what it started is killed with it")
    func group() async throws {
        try await Self.with("sleep 1000 & echo $!; wait") { child in
            try await eventually("the grandchild's number") { Int32(child.lastLines()) != nil }
            let grandchild = try #require(Int32(child.lastLines()))
            child.signalGroup(SIGKILL)
            // Whoever inherits it reaps it.
            try await eventually("the grandchild's end") {
                let status = (try? String(contentsOfFile: "/proc/\(grandchild)/stat", encoding: .utf8)) ?? ") Z"
                return status.contains(") Z")
            }
        }
    }

    @Test("a program that is not there is an error that names it")
    func absent() {
        #expect(throws: HarnessFault.self) {
            try ChildProcess(name: "none", URL(filePath: "/nonexistent"), [], output: URL(filePath: "/dev/null"))
        }
    }

    @Test("equal seeds give equal plans")
    func plans() {
        let plans = [1, 1, 2].map { seed in
            KillPlan.oneProcess("run", kills: 5, seed: seed).steps.map { "\($0.victim) \($0.blow)" }
        }
        #expect(plans[0] == plans[1])
        #expect(plans[0] != plans[2])
    }
}
