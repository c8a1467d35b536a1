import Batch
import Configuration
import Console
import EventLog
import Lake
import Operations
import Runtime
import Terminal
import Warehouse

/// What a person is told of an error.
enum Failure {
    static func described(_ error: any Error) -> CommandError {
        switch error {
        case let error as CommandError: error
        case let faults as ConfigurationFaults:
            CommandError(
                "the configuration is wrong:\n\(faults)", next: "Mend each line, then run 'pregao config check'.",
                exitCode: .configuration)
        case let error as LogError:
            CommandError("log: \(error)", next: next(after: error), exitCode: exitCode(of: error))
        case let error as StoreError:
            CommandError(
                "store: \(error)", next: next(after: error),
                exitCode: error.kind == .misconfigured ? .configuration : .inputOutput)
        case let error as CatalogError:
            CommandError("catalog: \(error)", next: next(after: error), exitCode: exitCode(of: error))
        case let faults as ModelFaults:
            CommandError(
                "the models are wrong:\n\(faults)", next: "Mend each line, then run 'pregao schedule'.",
                exitCode: .configuration)
        case let error as ConsoleError:
            CommandError(
                "console: \(error)", next: "Choose another port, as with --set console.port=0 for any that is free.",
                exitCode: .unavailable)
        case let error as OperationsError:
            CommandError(
                "operations: \(error)",
                next: "Give each process of a machine a port of its own, as with --set operations.port=9465.",
                exitCode: .unavailable)
        default: CommandError(plainWords(of: error), exitCode: .unavailable)
        }
    }

    private static func next(after error: LogError) -> String? {
        switch error.kind {
        case .cannotWrite:
            "Make room, or make the folder writable; then start again. Nothing that was accepted is lost."
        case .corrupt: "What was archived is safe. docs/operations.md says what to do, at 'The log is damaged'."
        case .busy: "Another process holds the log, or no broker answers; try again."
        case .fenced:
            "Another process runs under the same instance name, and has taken over. Give each its own, as with --set flusher.instance=flusher-2; one 'pregao run' a data folder is enough."
        case .unknownTopic: "Start 'pregao run' once: it makes the topics."
        default: nil
        }
    }

    private static func exitCode(of error: LogError) -> ExitCode {
        switch error.kind {
        case .cannotWrite: .inputOutput
        case .busy, .fenced: .temporary
        default: .unavailable
        }
    }

    private static func next(after error: StoreError) -> String? {
        switch error.kind {
        case .unavailable:
            "Make room, make the folder readable and writable, or have the store answer; then start again."
        case .misconfigured: "See the settings at storage., and the rights that docs/object-stores.md lists."
        case .absent: "Run 'pregao restore' to bring lost objects back from backup."
        case .differs, .forbiddenKey: "Run 'pregao verify --full' to see what is damaged."
        }
    }

    private static func next(after error: CatalogError) -> String? {
        switch error.kind {
        case .busy: "Another process holds the catalog; try again."
        case .corrupt: "Run 'pregao catalog rebuild': it is made again from the backup."
        case .sql: "See 'pregao catalog tables' for what there is to query."
        case .refused, .engine, .unavailable: nil
        }
    }

    private static func exitCode(of error: CatalogError) -> ExitCode {
        switch error.kind {
        case .busy: .temporary
        case .sql: .usage
        default: .unavailable
        }
    }
}
