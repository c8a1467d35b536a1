import Foundation
import Synchronization

/// A program run as a child, in a process group of its own, its output in a file.
final class ChildProcess: Sendable {
    enum Ending: Equatable, CustomStringConvertible {
        case exited(Int32)
        case killed(Int32)

        var description: String {
            switch self {
            case .exited(let code): "exited with \(code)"
            case .killed(let signal): "ended by signal \(signal)"
            }
        }
    }

    private struct State {
        var ending: Ending?
        var isStopped = false
    }

    let name: String
    let output: URL
    let processID: pid_t
    private let state = Mutex(State())

    /// - Parameter environment: replaces this process's own, but for PATH, HOME and TMPDIR.
    init(name: String, _ program: URL, _ arguments: [String], environment: [String: String] = [:], output: URL) throws {
        self.name = name
        self.output = output
        processID = try Self.spawn(program.path, [program.path] + arguments, environment, output.path)
        Thread.detachNewThread { self.watch() }
    }

    /// nil while it lives.
    var ending: Ending? { state.withLock { $0.ending } }

    /// Whether SIGSTOP has stopped it.
    var isStopped: Bool { state.withLock { $0.isStopped } }

    func signal(_ number: Int32) { send(number, to: processID) }

    /// To the program and whatever it started.
    func signalGroup(_ number: Int32) { send(number, to: -processID) }

    private func send(_ number: Int32, to target: pid_t) {
        // Under the lock that its end is recorded under: the number of a process that has ended may be another's.
        state.withLock { state in if state.ending == nil { kill(target, number) } }
    }

    /// What it wrote last.
    func lastLines(_ count: Int = 40) -> String {
        let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(count).joined(separator: "\n")
    }

    private func watch() {
        while true {
            // Looked at without reaping first, so that no signal goes to a process that has taken over the number.
            var information = siginfo_t()
            guard waitid(P_PID, id_t(processID), &information, WEXITED | WSTOPPED | WCONTINUED | WNOWAIT) == 0 else {
                if errno == EINTR { continue }
                return
            }
            let isOver = state.withLock { state in
                var status: Int32 = 0
                guard waitpid(processID, &status, WUNTRACED | WCONTINUED) == processID else { return true }
                switch (status & 0x7f, status) {
                case (_, 0xffff): state.isStopped = false
                case (0x7f, _): state.isStopped = true
                case (0, _): state.ending = .exited((status >> 8) & 0xff)
                default: state.ending = .killed(status & 0x7f)
                }
                return state.ending != nil
            }
            if isOver { return }
        }
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String: String], _ output: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        // A child takes over the signals that its maker's thread blocks, and libdispatch's threads block SIGTERM among
        // others: a shell started from one would never hear of it.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let inherited = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME", "TMPDIR"].contains($0.key) }
        let variables = inherited.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var variablePointers = variables.map { strdup($0) } + [nil]
        defer { for pointer in argumentPointers + variablePointers { free(pointer) } }
        var processID: pid_t = 0
        let code = posix_spawn(&processID, path, &actions, &attributes, &argumentPointers, &variablePointers)
        guard code == 0 else { throw HarnessFault("start \(path): \(String(cString: strerror(code)))") }
        return processID
    }
}

/// Why a test could not go on.
struct HarnessFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
