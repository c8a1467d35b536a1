import EventLog

/// Why the flusher cannot go on. What it had not committed stays in the log and is read again.
public enum FlusherError: Error, Sendable, CustomStringConvertible {
    case invalidSettings([FlusherSettingsFault])
    case encoding(TopicPartition, Range<Offset>, cause: String)

    public var description: String {
        switch self {
        case .invalidSettings(let faults):
            "the flusher's settings are not valid: " + faults.map(\.description).joined(separator: "; ")
        case .encoding(let partition, let range, let cause):
            "encode \(partition) [\(range.lowerBound), \(range.upperBound)): \(cause)"
        }
    }
}

extension LogError {
    /// Waiting does not help: the log has to be looked at, or is closed.
    var isFinal: Bool { kind == .corrupt || kind == .closed }
}
