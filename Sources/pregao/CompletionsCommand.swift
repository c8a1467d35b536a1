import Terminal

enum CompletionsCommand {
    static let command: Command = Command(
        "completions", "Print the completion script of a shell",
        positionals: [Positional("SHELL", "bash, zsh or fish")],
        examples: [
            Example("source <(pregao completions bash)", "in ~/.bashrc"),
            Example("pregao completions fish > ~/.config/fish/completions/pregao.fish", "for fish"),
        ]
    ) { arguments in
        guard let shell = arguments.positionals.first.flatMap(Shell.init) else {
            throw arguments.usage("SHELL is one of \(Shell.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        Output.write(shell.completions(of: CommandTree.root))
        return .success
    }
}

enum VersionCommand {
    static let number = "0.1.0"

    static let command: Command = Command("version", "Print the program's version") { _ in
        Output.write("pregao \(number)\n")
        return .success
    }
}
