/// Something wrong in the configuration, and where it stands.
public struct ConfigurationFault: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Place: Hashable, Sendable, CustomStringConvertible {
        /// Line and column count from 1.
        case file(String, line: Int, column: Int)
        case environment(String)
        case flag(String)
        /// No single place: settings that do not go together.
        case settings

        public var description: String {
            switch self {
            case .file(let path, let line, let column): "\(path):\(line):\(column)"
            case .environment(let name): "environment variable \(name)"
            case .flag(let text): "flag \(text)"
            case .settings: "settings"
            }
        }
    }

    public let place: Place
    public let message: String

    public init(_ place: Place, _ message: String) {
        self.place = place
        self.message = message
    }

    public var description: String { "\(place): \(message)" }
}

/// Every fault of a configuration, in the order of their places.
public struct ConfigurationFaults: Error, Sendable, CustomStringConvertible {
    public let faults: [ConfigurationFault]

    public var description: String { faults.map(\.description).joined(separator: "\n") }
}
