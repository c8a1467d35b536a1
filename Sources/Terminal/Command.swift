/// What a command of the program is called, takes and does, said once: parsing, help and completions are read off it.
public struct Command: Sendable {
    public let name: String
    /// One line, for lists.
    public let summary: String
    /// Paragraphs for the command's own help.
    public let discussion: String
    public let options: [Option]
    public let positionals: [Positional]
    public let subcommands: [Command]
    /// Command lines that work as they stand, with what each does.
    public let examples: [Example]
    public let run: (@Sendable (Arguments) async throws -> ExitCode)?

    public init(
        _ name: String, _ summary: String, discussion: String = "", options: [Option] = [],
        positionals: [Positional] = [], examples: [Example] = [], subcommands: [Command] = [],
        run: (@Sendable (Arguments) async throws -> ExitCode)? = nil
    ) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.options = options
        self.positionals = positionals
        self.subcommands = subcommands
        self.examples = examples
        self.run = run
    }
}

public struct Example: Sendable {
    public let line: String
    public let does: String

    public init(_ line: String, _ does: String) {
        self.line = line
        self.does = does
    }
}

/// `--name VALUE`, or `--name` alone for a switch.
public struct Option: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case flag
        /// Takes a value, shown in help by the placeholder.
        case value(placeholder: String)
        /// May be given several times.
        case values(placeholder: String)
        /// Takes one of these words.
        case choice([String])
        /// Takes a path; completions offer files.
        case path
    }

    public let name: String
    public let short: Character?
    public let kind: Kind
    public let help: String
    /// Shown in help; nil where there is none.
    public let standard: String?

    public init(_ name: String, short: Character? = nil, _ kind: Kind, _ help: String, standard: String? = nil) {
        self.name = name
        self.short = short
        self.kind = kind
        self.help = help
        self.standard = standard
    }

    var placeholder: String? {
        switch kind {
        case .flag: nil
        case .value(let placeholder), .values(let placeholder): placeholder
        case .choice(let words): words.joined(separator: "|")
        case .path: "PATH"
        }
    }
}

public struct Positional: Hashable, Sendable {
    public let name: String
    public let help: String
    public let isRequired: Bool
    /// Takes all that is left.
    public let isRepeated: Bool

    public init(_ name: String, _ help: String, required: Bool = true, repeated: Bool = false) {
        self.name = name
        self.help = help
        isRequired = required
        isRepeated = repeated
    }
}

/// How the program ends; scripts may rely on these.
public enum ExitCode: Int32, CaseIterable, Sendable {
    case success = 0
    /// The command did its work, and what it checked is not in order: `verify` found a fault, a run failed.
    case failure = 1
    /// The command line is wrong (as BSD's sysexits EX_USAGE).
    case usage = 64
    /// Something it needs is missing, unreachable or damaged (EX_UNAVAILABLE).
    case unavailable = 69
    /// A fault of the program itself (EX_SOFTWARE).
    case software = 70
    /// No space, no permission, a read-only folder (EX_IOERR).
    case inputOutput = 74
    /// Another process holds it; trying again may help (EX_TEMPFAIL).
    case temporary = 75
    /// The configuration is wrong (EX_CONFIG).
    case configuration = 78

    public var meaning: String {
        switch self {
        case .success: "all is well"
        case .failure: "the work was done, and what it checked is not in order"
        case .usage: "the command line is wrong"
        case .unavailable: "something needed is missing, unreachable or damaged"
        case .software: "a fault of the program itself"
        case .inputOutput: "no space, no permission, or a read-only folder"
        case .temporary: "another process holds it; try again"
        case .configuration: "the configuration is wrong"
        }
    }
}

/// An error for the person at the terminal: what went wrong, and what to do next.
public struct CommandError: Error, Sendable {
    public let message: String
    public let next: String?
    public let exitCode: ExitCode

    public init(_ message: String, next: String? = nil, exitCode: ExitCode) {
        self.message = message
        self.next = next
        self.exitCode = exitCode
    }
}
