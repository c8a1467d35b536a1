/// The settings as a file that one can begin with, and as a table for docs/.
public enum ConfigurationReference {
    /// A settings file in which every setting stands as a comment with its default, and the few that a first run needs
    /// are set.
    public static func example(data: String, feeds: [(feed: String, symbols: [String])], baseURLs: [String: String])
        -> String
    {
        var given: [String: String] = ["data": data]
        for (feed, symbols) in feeds { given["feeds.\(feed).symbols"] = "[\(symbols.joined(separator: ", "))]" }
        for (source, url) in baseURLs { given["sources.\(source).base-url"] = url }
        return Section(Setting.all).lines(given: given, depth: 0).joined(separator: "\n") + "\n"
    }

    /// One Markdown row a setting.
    public static var markdown: String {
        let rows = Setting.all.map { setting in
            let standard = setting.standard.map { "`\($0)`" } ?? ""
            return "| `\(setting.path)` | \(setting.takes) | \(standard) | \(setting.help) |"
        }
        return (["| setting | takes | default | what it does |", "|---|---|---|---|"] + rows).joined(separator: "\n")
            + "\n"
    }

    /// Settings below one name, in the order of their declaration.
    private struct Section {
        var settings: [(name: String, setting: Setting)] = []
        var sections: [(name: String, section: Section)] = []

        init(_ all: [Setting]) {
            for setting in all { insert(setting, below: setting.path.split(separator: ".").map(String.init)[...]) }
        }

        private mutating func insert(_ setting: Setting, below path: ArraySlice<String>) {
            guard let name = path.first else { return }
            guard path.count > 1 else { return settings.append((name, setting)) }
            if !sections.contains(where: { $0.name == name }) { sections.append((name, Section([]))) }
            for index in sections.indices where sections[index].name == name {
                sections[index].section.insert(setting, below: path.dropFirst())
            }
        }

        func holdsAny(of given: [String: String]) -> Bool {
            settings.contains { given[$0.setting.path] != nil } || sections.contains { $0.section.holdsAny(of: given) }
        }

        func lines(given: [String: String], depth: Int) -> [String] {
            let indent = String(repeating: "  ", count: depth)
            var lines: [String] = []
            for (name, setting) in settings {
                lines.append("\(indent)# \(setting.help)")
                let written = given[setting.path]
                lines.append("\(indent)\(written == nil ? "# " : "")\(name): \(written ?? setting.standard ?? "")")
            }
            for (name, section) in sections {
                let mark = section.holdsAny(of: given) ? "" : "# "
                if depth == 0 { lines.append("") }
                lines.append("\(indent)\(mark)\(name):")
                lines += section.lines(given: given, depth: depth + 1)
            }
            return lines
        }
    }
}
