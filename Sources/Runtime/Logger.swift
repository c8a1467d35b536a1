import Foundation
import MarketData
import Synchronization

/// Structured log lines: a level, an event in a few words, and fields. Never a secret.
public struct Logger: Sendable {
    public enum Level: Int, Sendable, CaseIterable, Comparable {
        case debug, info, warning, error

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    public enum Format: String, Sendable, CaseIterable { case logfmt, json }

    /// What a logger does with a finished line, without its newline.
    public typealias Sink = @Sendable (String) -> Void

    public let component: String
    private let minimum: Level
    private let format: Format
    private let clock: any WallClock
    private let sink: Sink

    public init(
        component: String, minimum: Level = .info, format: Format = .logfmt, clock: any WallClock = SystemWallClock(),
        sink: @escaping Sink = Logger.standardError
    ) {
        self.component = component
        self.minimum = minimum
        self.format = format
        self.clock = clock
        self.sink = sink
    }

    /// The same logger, for another part of the program.
    public func named(_ component: String) -> Logger {
        Logger(component: component, minimum: minimum, format: format, clock: clock, sink: sink)
    }

    public func debug(_ event: String, _ fields: KeyValuePairs<String, any Sendable> = [:]) {
        log(.debug, event, fields)
    }

    public func info(_ event: String, _ fields: KeyValuePairs<String, any Sendable> = [:]) { log(.info, event, fields) }

    public func warning(_ event: String, _ fields: KeyValuePairs<String, any Sendable> = [:]) {
        log(.warning, event, fields)
    }

    public func error(_ event: String, _ fields: KeyValuePairs<String, any Sendable> = [:]) {
        log(.error, event, fields)
    }

    private func log(_ level: Level, _ event: String, _ fields: KeyValuePairs<String, any Sendable>) {
        guard level >= minimum else { return }
        var pairs = [("time", "\(clock.now())"), ("level", "\(level)"), ("component", component)]
        pairs.append(("event", event.withoutCredentials))
        pairs += fields.map { ($0.key, Self.text(of: $0.value).withoutCredentials) }
        switch format {
        case .logfmt: sink(pairs.map { "\($0)=\(Self.logfmtValue($1))" }.joined(separator: " "))
        case .json: sink("{" + pairs.map { "\(Self.quoted($0)):\(Self.quoted($1))" }.joined(separator: ",") + "}")
        }
    }

    private static func text(of value: any Sendable) -> String {
        switch value {
        case let duration as Duration: duration.plainWords
        case let values as any Collection & Sendable where !(values is String): list(values)
        default: "\(value)"
        }
    }

    private static func list(_ values: some Collection) -> String { values.map { "\($0)" }.joined(separator: ",") }

    private static func logfmtValue(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { $0 > " " && $0 != "\"" && $0 != "=" && !isSteering($0) }
        return isPlain ? text : quoted(text)
    }

    /// What ends a line, moves a terminal's cursor or turns the direction of writing: C0, DEL and C1, the two separators
    /// and the bidirectional controls. JSON wants the first of them escaped, and allows all.
    private static func isSteering(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f...0x9f, 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    /// A JSON string (RFC 8259, section 7).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isSteering(scalar):
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Writes each line to standard error in one `write`, so that lines of several processes do not mix.
    public static let standardError: Sink = { line in
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
