import YAML

/// Reads the settings file, then the environment, then `--set`, each over the one before, and reports every fault at
/// once with its place.
public struct ConfigurationReader {
    private let settings: [String: Setting]
    var configuration = Configuration()
    var faults: [ConfigurationFault] = []
    /// Where each setting was given, and that of its last giving where it was given several times.
    private(set) var places: [String: ConfigurationFault.Place] = [:]
    /// Settings that could not be taken, so that what stands in their stead says nothing.
    private(set) var refused: Set<String> = []

    public init() {
        settings = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.path, $0) })
    }

    /// A duration as settings have it: `250ms`, `60s`, `5m`; nil where the text is none.
    public static func duration(_ text: String) -> Duration? { Quantities.duration(text) }

    /// - Parameters:
    ///   - file: the settings file's name, for messages, and its text; nil where there is none.
    ///   - environment: of these only names that begin with `PREGAO_` are looked at.
    ///   - assignments: `path=value`, as `--set` takes them.
    public static func read(
        file: (name: String, text: String)?, environment: [String: String], assignments: [String]
    ) throws(ConfigurationFaults) -> Configuration {
        var reader = ConfigurationReader()
        if let file { reader.read(file: file.name, file.text) }
        reader.read(environment: environment)
        for assignment in assignments { reader.read(assignment: assignment) }
        reader.checkTogether()
        guard reader.faults.isEmpty else { throw ConfigurationFaults(faults: reader.faults) }
        return reader.configuration
    }

    private func setting(_ path: String) -> Setting? { settings[path] ?? Setting.property(path) }

    private mutating func set(_ setting: Setting, _ texts: [String], at place: ConfigurationFault.Place) {
        places[setting.path] = place
        if let reason = setting.apply(&configuration, texts) {
            refused.insert(setting.path)
            faults.append(ConfigurationFault(place, "\(setting.path) \(reason)"))
        }
    }
}

// MARK: - The file

extension ConfigurationReader {
    private mutating func read(file name: String, _ text: String) {
        do throws(YAMLFault) {
            let root = try YAMLNode(parsing: text)
            if !root.isNull { read(root, path: [], file: name) }
        } catch {
            faults.append(
                ConfigurationFault(
                    .file(name, line: error.mark.line, column: error.mark.column),
                    String("\(error)".dropFirst("\(error.mark): ".count))))
        }
    }

    private mutating func read(_ node: YAMLNode, path: [String], file: String) {
        let name = path.joined(separator: ".")
        let place = ConfigurationFault.Place.file(file, line: node.mark.line, column: node.mark.column)
        if let setting = setting(name) {
            guard let texts = texts(of: node) else {
                let given = node.isNull ? "and nothing is given" : "not a section"
                refused.insert(name)
                faults.append(ConfigurationFault(place, "\(name) takes \(setting.takes), \(given)"))
                return
            }
            set(setting, texts, at: place)
        } else if let entries = node.entries {
            for entry in entries {
                let next = path + [entry.key]
                let nextName = next.joined(separator: ".")
                guard isKnown(nextName) else {
                    let keyPlace = ConfigurationFault.Place.file(
                        file, line: entry.keyMark.line, column: entry.keyMark.column)
                    faults.append(ConfigurationFault(keyPlace, unknown(nextName)))
                    continue
                }
                read(entry.value, path: next, file: file)
            }
        } else if !node.isNull {
            faults.append(
                ConfigurationFault(place, "\(name.isEmpty ? "the file" : name) is a section of settings, not a value"))
        }
    }

    private func texts(of node: YAMLNode) -> [String]? {
        if let elements = node.elements {
            let texts = elements.compactMap(\.text)
            return texts.count == elements.count ? texts : nil
        }
        return node.text.map { [$0] }
    }

    /// Whether the name is a setting or a section that holds some.
    private func isKnown(_ name: String) -> Bool {
        setting(name) != nil || settings.keys.contains { $0.hasPrefix(name + ".") }
    }

    private func unknown(_ name: String) -> String {
        let parents = name.split(separator: ".", omittingEmptySubsequences: false).dropLast()
        let parent = parents.joined(separator: ".")
        let siblings = Set(
            settings.keys.filter { parent.isEmpty || $0.hasPrefix(parent + ".") }.compactMap { path in
                path.split(separator: ".").dropFirst(parents.count).first.map(String.init)
            })
        return
            "there is no setting '\(name)'; \(parent.isEmpty ? "at the top" : "in \(parent)") there are \(siblings.sorted().joined(separator: ", "))"
    }
}

// MARK: - The environment and flags

extension ConfigurationReader {
    /// Names that are not settings.
    private static let reserved: Set<String> = ["PREGAO_CONFIG", "PREGAO_DUCKDB", "PREGAO_WAYPOINT"]

    private mutating func read(environment: [String: String]) {
        let byName = Dictionary(settings.values.map { ($0.environmentName, $0) }) { first, _ in first }
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("PREGAO_") {
            guard !Self.reserved.contains(name), !name.hasPrefix("PREGAO_TEST_") else { continue }
            guard let setting = byName[name] ?? Setting.property(environmentName: name) else {
                faults.append(ConfigurationFault(.environment(name), "there is no such setting"))
                continue
            }
            set(setting, split(value, for: setting), at: .environment(name))
        }
    }

    private mutating func read(assignment: String) {
        let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        // A name that is no setting's may be a misspelt secret's.
        let isSecret = setting(parts[0])?.isSecret ?? true
        let isShown = !isSecret && !assignment.hasPrefix(Setting.propertyPrefix)
        let place = ConfigurationFault.Place.flag("--set \(isShown ? assignment : parts[0])")
        guard parts.count == 2 else {
            faults.append(ConfigurationFault(place, "takes SETTING=VALUE"))
            return
        }
        guard let setting = setting(parts[0]) else {
            faults.append(ConfigurationFault(place, unknown(parts[0])))
            return
        }
        set(setting, split(parts[1], for: setting), at: place)
    }

    private func split(_ value: String, for setting: Setting) -> [String] {
        setting.isList ? value.split(separator: ",").map(String.init) : [value]
    }
}
