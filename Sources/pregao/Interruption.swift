import Dispatch
import Foundation
import Terminal

/// Ends a command that has nothing to drain on SIGINT, SIGTERM or SIGHUP: what it does is cancelled, so that no engine
/// process is left at work, and the program ends as a shell reports it, with 128 and the signal's number.
enum Interruption {
    static func ending(_ run: @escaping @Sendable () async throws -> ExitCode) async throws -> ExitCode {
        let (signals, found) = AsyncStream.makeStream(of: Int32.self)
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { found.yield(number) }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return try await withThrowingTaskGroup(of: Ending.self) { group in
            group.addTask { .done(try await run()) }
            group.addTask {
                for await number in signals {
                    // Whatever does not heed its cancellation must not keep the program from ending.
                    DispatchQueue.global().asyncAfter(deadline: .now() + 2) { _exit(128 + number) }
                    return .signalled(number)
                }
                return .done(.success)
            }
            let first = try await group.next() ?? .done(.success)
            group.cancelAll()
            switch first {
            case .done(let code): return code
            case .signalled(let number):
                _ = try? await group.next()
                _exit(128 + number)
            }
        }
    }

    private enum Ending {
        case done(ExitCode)
        case signalled(Int32)
    }
}

extension Command {
    /// The same command, ended by signals as ``Interruption`` says; also what is below it.
    var interruptible: Command {
        var ending: (@Sendable (Arguments) async throws -> ExitCode)?
        if let run {
            ending = { @Sendable arguments in try await Interruption.ending { try await run(arguments) } }
        }
        return Command(
            name, summary, discussion: discussion, options: options, positionals: positionals, examples: examples,
            subcommands: subcommands.map(\.interruptible), run: ending)
    }
}
