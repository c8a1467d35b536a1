/// Writes the completion script of a shell from the commands' declarations.
public enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish

    public func completions(of root: Command) -> String {
        switch self {
        case .bash: BashCompletions(root: root).script
        case .zsh: ZshCompletions(root: root).script
        case .fish: FishCompletions(root: root).script
        }
    }
}

/// Every command below the root, each with the names that lead to it.
private func leaves(_ command: Command, _ path: [String] = []) -> [(path: [String], command: Command)] {
    [(path, command)] + command.subcommands.flatMap { leaves($0, path + [$0.name]) }
}

private struct BashCompletions {
    let root: Command

    var script: String {
        let cases = leaves(root).map { path, command in
            let words = command.subcommands.map(\.name) + command.options.map { "--\($0.name)" } + ["--help"]
            return "    '\(path.joined(separator: " "))') words='\(words.joined(separator: " "))' ;;"
        }
        let values = leaves(root).flatMap(\.command.options).compactMap { option -> String? in
            switch option.kind {
            case .choice(let words):
                "    --\(option.name)) mapfile -t COMPREPLY < <(compgen -W '\(words.joined(separator: " "))' -- \"$current\"); return ;;"
            case .path: "    --\(option.name)) mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return ;;"
            default: nil
            }
        }
        let commands = leaves(root).dropFirst().map { "'\($0.path.joined(separator: " "))'" }.joined(separator: "|")
        return """
            _\(root.name)() {
              local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} path='' words='' word candidate
              case $previous in
            \(Set(values).sorted().joined(separator: "\n"))
              esac
              for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                candidate="${path:+$path }$word"
                case $candidate in
                \(commands)) path=$candidate ;;
                esac
              done
              case $path in
            \(cases.joined(separator: "\n"))
              esac
              mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
            }
            complete -o default -F _\(root.name) \(root.name)

            """
    }
}

private struct ZshCompletions {
    let root: Command

    var script: String {
        let cases = leaves(root).map { path, command in
            let words =
                command.subcommands.map { "'\($0.name):\(escaped($0.summary))'" }
                + command.options.map { "'--\($0.name):\(escaped($0.help))'" } + ["'--help:Show this help'"]
            return "    '\(path.joined(separator: " "))') candidates=(\(words.joined(separator: " "))) ;;"
        }
        let commands = leaves(root).dropFirst().map { "'\($0.path.joined(separator: " "))'" }.joined(separator: "|")
        let paths = Set(leaves(root).flatMap(\.command.options).filter { $0.kind == .path }.map { "--\($0.name)" })
        return """
            #compdef \(root.name)
            _\(root.name)() {
              local where='' word candidate
              local -a candidates
              case ${words[CURRENT-1]} in
                \(paths.sorted().joined(separator: "|"))) _files; return ;;
              esac
              for word in ${words[2,CURRENT-1]}; do
                candidate="${where:+$where }$word"
                case $candidate in
                \(commands)) where=$candidate ;;
                esac
              done
              case $where in
            \(cases.joined(separator: "\n"))
              esac
              _describe '\(root.name)' candidates
            }
            compdef _\(root.name) \(root.name)

            """
    }

    private func escaped(_ text: String) -> String {
        text.replacing("'", with: "'\\''").replacing(":", with: "\\:")
    }
}

private struct FishCompletions {
    let root: Command

    var script: String {
        var lines = ["complete -c \(root.name) -f"]
        for (path, command) in leaves(root) {
            let condition =
                path.isEmpty
                ? "__fish_use_subcommand"
                : path.map { "__fish_seen_subcommand_from \($0)" }.joined(separator: "; and ")
            for next in command.subcommands {
                lines.append("complete -c \(root.name) -n '\(condition)' -a \(next.name) -d '\(escaped(next.summary))'")
            }
            for option in command.options {
                lines.append(
                    "complete -c \(root.name) -n '\(condition)' -l \(option.name)\(arguments(of: option)) -d '\(escaped(option.help))'"
                )
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func arguments(of option: Option) -> String {
        switch option.kind {
        case .flag: ""
        case .value, .values: " -x"
        case .choice(let words): " -x -a '\(words.joined(separator: " "))'"
        case .path: " -r -F"
        }
    }

    private func escaped(_ text: String) -> String { text.replacing("'", with: "\\'") }
}
