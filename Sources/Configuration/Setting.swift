/// One thing that can be set: where it stands, what it takes, and what it does.
///
/// The file's check, the environment's names, `--set` and the reference in docs/ are all read off these declarations.
public struct Setting: Sendable {
    /// `flusher.interval`
    public let path: String
    public let takes: String
    public let help: String
    /// As one would write it; nil where there is none.
    public let standard: String?
    /// - Returns: why the texts cannot be taken, or nil.
    let apply: @Sendable (inout Configuration, [String]) -> String?
    let isList: Bool
    /// Whether what was given is never shown.
    var isSecret = false

    /// `PREGAO_FLUSHER_INTERVAL`
    public var environmentName: String {
        "PREGAO_" + String(path.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }
}

extension Setting {
    static func text(
        _ path: String, _ help: String, standard: String?,
        _ set: @escaping @Sendable (inout Configuration, String) -> Void
    )
        -> Setting
    {
        single(path, "text", help, standard) { configuration, text in
            guard !text.isEmpty else { return "is empty" }
            set(&configuration, text)
            return nil
        }
    }

    static func list(
        _ path: String, _ takes: String, _ help: String, standard: String?, of words: [String]? = nil,
        _ set: @escaping @Sendable (inout Configuration, [String]) -> Void
    )
        -> Setting
    {
        Setting(
            path: path, takes: takes, help: help, standard: standard,
            apply: { configuration, texts in
                if let words, let stranger = texts.first(where: { !words.contains($0) }) {
                    return "takes \(words.joined(separator: ", ")), not '\(stranger)'"
                }
                if texts.contains("") { return "has an empty element" }
                if Set(texts).count != texts.count { return "names something twice" }
                set(&configuration, texts)
                return nil
            }, isList: true)
    }

    static func duration(
        _ path: String, _ help: String, standard: Duration?, in range: ClosedRange<Duration>,
        _ set: @escaping @Sendable (inout Configuration, Duration) -> Void
    ) -> Setting {
        let bounds = "\(Quantities.text(range.lowerBound)) to \(Quantities.text(range.upperBound))"
        return single(path, "a duration, \(bounds)", help, standard.map(Quantities.text)) { configuration, text in
            guard let duration = Quantities.duration(text) else {
                return "takes a duration such as 500ms, 1s or 5m, not '\(text)'"
            }
            guard range.contains(duration) else { return "takes \(bounds), not \(text)" }
            set(&configuration, duration)
            return nil
        }
    }

    static func bytes(
        _ path: String, _ help: String, standard: Int?, in range: ClosedRange<Int>,
        _ set: @escaping @Sendable (inout Configuration, Int) -> Void
    ) -> Setting {
        let bounds = "\(Quantities.text(bytes: range.lowerBound)) to \(Quantities.text(bytes: range.upperBound))"
        return single(path, "a size, \(bounds)", help, standard.map(Quantities.text(bytes:))) { configuration, text in
            guard let bytes = Quantities.bytes(text) else {
                return "takes a size such as 512KiB or 8MiB, not '\(text)'"
            }
            guard range.contains(bytes) else { return "takes \(bounds), not \(text)" }
            set(&configuration, bytes)
            return nil
        }
    }

    static func integer(
        _ path: String, _ help: String, standard: Int?, in range: ClosedRange<Int>,
        _ set: @escaping @Sendable (inout Configuration, Int) -> Void
    ) -> Setting {
        let bounds = "\(range.lowerBound) to \(range.upperBound)"
        return single(path, "a whole number, \(bounds)", help, standard.map(String.init)) { configuration, text in
            guard let number = Int(text), range.contains(number) else {
                return "takes a whole number from \(bounds), not '\(text)'"
            }
            set(&configuration, number)
            return nil
        }
    }

    static func number(
        _ path: String, _ help: String, standard: Double?, in range: ClosedRange<Double>,
        _ set: @escaping @Sendable (inout Configuration, Double) -> Void
    ) -> Setting {
        let bounds = "\(range.lowerBound) to \(range.upperBound)"
        return single(path, "a number, \(bounds)", help, standard.map { "\($0)" }) { configuration, text in
            guard let number = Double(text), range.contains(number) else {
                return "takes a number from \(bounds), not '\(text)'"
            }
            set(&configuration, number)
            return nil
        }
    }

    static func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ path: String, _ help: String, standard: Choice,
        _ set: @escaping @Sendable (inout Configuration, Choice) -> Void
    ) -> Setting where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return single(path, words, help, standard.rawValue) { configuration, text in
            guard let choice = Choice(rawValue: text) else { return "takes one of \(words), not '\(text)'" }
            set(&configuration, choice)
            return nil
        }
    }

    private static func single(
        _ path: String, _ takes: String, _ help: String, _ standard: String?,
        _ apply: @escaping @Sendable (inout Configuration, String) -> String?
    ) -> Setting {
        Setting(
            path: path, takes: takes, help: help, standard: standard,
            apply: { configuration, texts in
                guard let text = texts.first, texts.count == 1 else { return "takes one value, not a list" }
                return apply(&configuration, text)
            }, isList: false)
    }
}
