/// The options and positionals that a command was given.
public struct Arguments: Sendable {
    /// The command's names from the root on: `["pregao", "config", "check"]`.
    public let path: [String]
    var flags: Set<String> = []
    var values: [String: [String]] = [:]
    public internal(set) var positionals: [String] = []

    public func has(_ flag: String) -> Bool { flags.contains(flag) }

    /// The option's value; the last one where it was given more than once.
    public func value(_ option: String) -> String? { values[option]?.last }

    public func all(_ option: String) -> [String] { values[option] ?? [] }

    /// - Throws: ``CommandError`` where the value is no whole number of the range.
    public func integer(_ option: String, in range: ClosedRange<Int>) throws(CommandError) -> Int? {
        guard let text = value(option) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw usage(
                "--\(option) takes a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
        }
        return number
    }

    public func usage(_ message: String) -> CommandError {
        CommandError(message, next: "See '\(path.joined(separator: " ")) --help'.", exitCode: .usage)
    }
}

/// What a command line asks for.
public enum Invocation: Sendable {
    case run(Command, Arguments)
    case help(Command, path: [String])
}

extension Command {
    /// Finds the subcommand and reads its arguments.
    ///
    /// - Parameter words: the command line without the program's name.
    /// - Throws: ``CommandError`` with exit code ``ExitCode/usage``, naming the nearest option where one is misspelt.
    public func invocation(of words: [String]) throws(CommandError) -> Invocation {
        var command = self
        var path = [name]
        var rest = words[...]
        while let word = rest.first, !command.subcommands.isEmpty {
            if word == "--help" || word == "-h" || word == "help" { break }
            // GNU's Coding Standards, 4.8.1: every program answers --version.
            let wanted = word == "--version" ? "version" : word
            guard let next = command.subcommands.first(where: { $0.name == wanted }) else {
                throw unknown(word, in: command, path)
            }
            command = next
            path.append(wanted)
            rest = rest.dropFirst()
        }
        let asksHelp = rest.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
        if asksHelp || command.run == nil && (rest.isEmpty || rest.first == "help") {
            guard rest.first == "help", rest.count > 1 else { return .help(command, path: path) }
            return try invocation(of: Array(rest.dropFirst()) + ["--help"])
        }
        var reader = ArgumentReader(command: command, arguments: Arguments(path: path))
        return .run(command, try reader.read(Array(rest)))
    }

    private func unknown(_ word: String, in command: Command, _ path: [String]) -> CommandError {
        let near = nearest(to: word, among: command.subcommands.map(\.name)).map { " Did you mean '\($0)'?" } ?? ""
        let what = word.hasPrefix("-") ? "option" : "command"
        return CommandError(
            "unknown \(what) '\(word)'.\(near)", next: "See '\(path.joined(separator: " ")) --help'.", exitCode: .usage)
    }
}

private struct ArgumentReader {
    let command: Command
    var arguments: Arguments
    var positionals: [String] = []

    mutating func read(_ words: [String]) throws(CommandError) -> Arguments {
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            if word == "--" {
                positionals += words[index...]
                break
            }
            guard word.hasPrefix("-"), word != "-" else {
                positionals.append(word)
                continue
            }
            let (option, attached) = try option(of: word)
            if option.kind == .flag {
                guard attached == nil else { throw arguments.usage("--\(option.name) takes no value") }
                arguments.flags.insert(option.name)
            } else if let attached {
                try take(attached, for: option)
            } else {
                guard index < words.count else {
                    throw arguments.usage("--\(option.name) needs a value: \(option.placeholder ?? "")")
                }
                try take(words[index], for: option)
                index += 1
            }
        }
        try placePositionals()
        return arguments
    }

    private func option(of word: String) throws(CommandError) -> (Option, String?) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        let attached = parts.count > 1 ? String(parts[1]) : nil
        let found = command.options.first { option in
            name == "--\(option.name)" || option.short.map { name == "-\($0)" } ?? false
        }
        if let found { return (found, attached) }
        let near =
            nearest(to: name, among: command.options.map { "--\($0.name)" }).map { " Did you mean '\($0)'?" } ?? ""
        throw arguments.usage("unknown option '\(name)'.\(near)")
    }

    private mutating func take(_ value: String, for option: Option) throws(CommandError) {
        if case .choice(let words) = option.kind, !words.contains(value) {
            throw arguments.usage("--\(option.name) takes one of \(words.joined(separator: ", ")), not '\(value)'")
        }
        if case .values = option.kind {
            arguments.values[option.name, default: []].append(value)
        } else {
            guard arguments.values[option.name] == nil else {
                throw arguments.usage("--\(option.name) is given more than once")
            }
            arguments.values[option.name] = [value]
        }
    }

    private mutating func placePositionals() throws(CommandError) {
        let required = command.positionals.filter(\.isRequired).count
        guard positionals.count >= required else {
            throw arguments.usage("\(command.positionals[positionals.count].name) is missing")
        }
        let takesMore = command.positionals.last?.isRepeated ?? false
        guard takesMore || positionals.count <= command.positionals.count else {
            throw arguments.usage("unexpected argument '\(positionals[command.positionals.count])'")
        }
        arguments.positionals = positionals
    }
}

/// The word among `candidates` that is nearest by edit distance, if one is near enough to be a slip of the finger.
private func nearest(to word: String, among candidates: [String]) -> String? {
    let ranked = candidates.map { (name: $0, distance: editDistance(Array(word), Array($0))) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= max(1, word.count / 3) else {
        return nil
    }
    return best.name
}

private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in right.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
            diagonal = above
        }
    }
    return row[right.count]
}
