import Foundation
import Runtime
import Terminal

/// The program: finds the command, runs it, and says on standard error what went wrong and what to do next.
@main
struct Pregao {
    static func main() async {
        // A reader that goes away (`pregao query | head`) is no fault: the write fails, and the program ends quietly.
        signal(SIGPIPE, SIG_IGN)
        let words = Array(CommandLine.arguments.dropFirst())
        exit(await run(words).rawValue)
    }

    private static func run(_ words: [String]) async -> ExitCode {
        do {
            switch try CommandTree.root.invocation(of: words) {
            case .help(let command, let path):
                Output.write(command.help(path: path))
                return .success
            case .run(let command, let arguments):
                guard let run = command.run else { return .software }
                return try await run(arguments)
            }
        } catch {
            let failure = Failure.described(error)
            Output.complain("pregao: \(failure.message.withoutCredentials)")
            if let next = failure.next { Output.complain("        \(next)") }
            return failure.exitCode
        }
    }
}
