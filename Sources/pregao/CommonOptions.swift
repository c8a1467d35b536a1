import Configuration
import Foundation
import Runtime
import Terminal

/// Options that mean the same wherever they stand.
enum CommonOptions {
    static let config = Option(
        "config", short: "c", .path, "The settings file", standard: "PREGAO_CONFIG, else ./pregao.yml if it is there")
    static let set = Option(
        "set", short: "s", .values(placeholder: "SETTING=VALUE"),
        "Set one setting, over file and environment; repeatable")
    static let json = Option("json", .flag, "Print one JSON object a row instead of a table")

    static let settings = [config, set]
}

extension Arguments {
    /// The settings as file, environment and flags give them, checked as a whole.
    func configuration() throws -> Configuration {
        let environment = ProcessInfo.processInfo.environment
        return try ConfigurationReader.read(
            file: try settingsFile(environment), environment: environment, assignments: all("set"))
    }

    private func settingsFile(_ environment: [String: String]) throws(CommandError) -> (name: String, text: String)? {
        let given = value("config") ?? environment["PREGAO_CONFIG"]
        let name = given ?? "pregao.yml"
        guard given != nil || FileManager.default.fileExists(atPath: name) else { return nil }
        let refusal = { (cause: String) in
            CommandError(
                "cannot read the settings file \(name): \(cause)",
                next: "Give one with --config; 'pregao config example > pregao.yml' writes one to begin with.",
                exitCode: .configuration)
        }
        let data: Data
        do { data = try Data(contentsOf: URL(fileURLWithPath: name)) } catch { throw refusal(plainWords(of: error)) }
        guard let text = String(validating: data, as: UTF8.self) else { throw refusal("it is not UTF-8") }
        return (name, text)
    }

    /// Prints a table for people, or with `--json` one object a row.
    func print(_ table: Table) {
        Output.write(has("json") ? table.jsonLines : table.text)
    }
}
