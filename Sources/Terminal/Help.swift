extension Command {
    /// The text of `--help`.
    public func help(path: [String]) -> String {
        var parts = ["\(summary)\n", "Usage: \(usageLine(path))\n"]
        if !discussion.isEmpty { parts.append(discussion + "\n") }
        if !positionals.isEmpty { parts.append(section("Arguments", positionals.map { ($0.name, $0.help) })) }
        if !subcommands.isEmpty { parts.append(section("Commands", subcommands.map { ($0.name, $0.summary) })) }
        let rows = options.map { ($0.usage, $0.help + ($0.standard.map { " (default: \($0))" } ?? "")) }
        parts.append(section("Options", rows + [("-h, --help", "Show this help")]))
        if !examples.isEmpty {
            parts.append("Examples:\n" + examples.map { "  # \($0.does)\n  \($0.line)\n" }.joined(separator: "\n"))
        }
        if path.count == 1 {
            parts.append(section("Exit codes", ExitCode.allCases.map { (String($0.rawValue), $0.meaning) }))
        }
        return parts.joined(separator: "\n")
    }

    private func usageLine(_ path: [String]) -> String {
        var words = path
        if !subcommands.isEmpty { words.append("COMMAND") }
        if !options.isEmpty { words.append("[OPTIONS]") }
        for positional in positionals {
            let name = positional.name + (positional.isRepeated ? "…" : "")
            words.append(positional.isRequired ? name : "[\(name)]")
        }
        return words.joined(separator: " ")
    }

    private func section(_ title: String, _ rows: [(String, String)]) -> String {
        let width = min(34, rows.map(\.0.count).max() ?? 0)
        let lines = rows.map { name, text in
            name.count > width
                ? "  \(name)\n  \(String(repeating: " ", count: width))  \(text)"
                : "  \(name)\(String(repeating: " ", count: width - name.count))  \(text)"
        }
        return "\(title):\n" + lines.joined(separator: "\n") + "\n"
    }
}

extension Option {
    fileprivate var usage: String {
        let names = (short.map { "-\($0), " } ?? "    ") + "--\(name)"
        return placeholder.map { "\(names) \($0)" } ?? names
    }
}
