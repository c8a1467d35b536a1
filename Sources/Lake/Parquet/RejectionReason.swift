import JSON

/// Why a message is no row, in the words that dead letters and metrics bear.
public enum RejectionReason: String, Hashable, Sendable, CaseIterable {
    /// The message has no value; a dataset's topics keep every message, so a removal means nothing there.
    case tombstone
    case tooLarge = "too-large"
    case notUTF8 = "not-utf-8"
    case notJSON = "not-json"
    /// A number, wanted or not, that is not in JSON's form or that 64 bits or a double do not hold.
    case unreadableNumber = "unreadable-number"
    case tooDeep = "too-deep"
    case notAnObject = "not-an-object"
    case duplicateKey = "duplicate-key"
    /// `version` is missing or not a positive integer.
    case noVersion = "no-version"
    /// A column that may not be null is missing or null.
    case missingColumn = "missing-column"
    /// A value is not in the JSON form of its column's type.
    case wrongType = "wrong-type"
    /// More than 20 digits before the point, or more than 18 after it.
    case decimalDoesNotFit = "decimal-does-not-fit"
    /// A time or a trading day outside the years 2000 to 2099.
    case implausibleTime = "implausible-time"
}

extension RejectionReason {
    init(_ fault: JSONFault) {
        self =
            switch fault {
            case .malformed: .notJSON
            case .unreadableNumber: .unreadableNumber
            case .notUTF8: .notUTF8
            case .tooLarge: .tooLarge
            case .tooDeep: .tooDeep
            case .notAnObject: .notAnObject
            case .duplicateKey: .duplicateKey
            }
    }
}
