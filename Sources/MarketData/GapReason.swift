/// Why a poll slot holds no quote, a task no rows, or the tables not what was in the log: the words of `gaps.reason`.
public enum GapReason: String, Hashable, Sendable, CaseIterable {
    // What was wrong with the answer.
    case httpStatus = "http-status"
    case rateLimited = "rate-limited"
    case html
    case malformed
    case notUTF8 = "not-utf8"
    case tooLarge = "too-large"
    case tooDeep = "too-deep"
    case duplicateKey = "duplicate-key"
    case missingField = "missing-field"
    case nullField = "null-field"
    case wrongType = "wrong-type"
    case notANumber = "not-a-number"
    case doesNotFit = "does-not-fit"
    case notPositive = "not-positive"
    case implausibleTime = "implausible-time"
    case wrongSymbol = "wrong-symbol"

    // Why no answer came.
    case timeout
    case connection
    case tls
    case dns

    // Why nothing was asked, or the answer could not be kept.
    case tooManyWaiting = "too-many-waiting"
    case circuitOpen = "circuit-open"
    case rateBudget = "rate-budget"
    case downtime
    case clockJump = "clock-jump"
    case logUnavailable = "log-unavailable"
    case shutdown

    // Why what was kept did not arrive.
    case lostToRetention = "lost-to-retention"

    /// One sentence, as docs/ lists it.
    public var meaning: String {
        switch self {
        case .httpStatus: "The answer's status was neither 200 nor 429."
        case .rateLimited: "The source answered 429."
        case .html: "The answer was an HTML page."
        case .malformed: "The answer was not JSON, or cut off."
        case .notUTF8: "The answer's bytes were not UTF-8."
        case .tooLarge: "The answer was larger than the feed allows."
        case .tooDeep: "The answer was nested deeper than the feed allows."
        case .duplicateKey: "A member, or a bar, was there twice."
        case .missingField: "A member that the feed needs was absent."
        case .nullField: "A member that the feed needs was null."
        case .wrongType: "A member had another JSON type than the source's format says."
        case .notANumber: "A price or quantity was not a number."
        case .doesNotFit: "A number does not fit DECIMAL(38,18) exactly."
        case .notPositive: "A price was zero or negative, or a quantity negative."
        case .implausibleTime: "A time was not a time, lay outside 2000 to 2100, or off the bars' grid."
        case .wrongSymbol: "The answer was about another symbol than the one asked for."
        case .timeout: "No whole answer came within the time limit."
        case .connection: "The connection could not be made, or broke."
        case .tls: "The secure connection could not be made."
        case .dns: "The source's host name could not be resolved."
        case .tooManyWaiting: "Too many polls were waiting; the oldest was dropped."
        case .circuitOpen: "The source had failed repeatedly and was being left alone."
        case .rateBudget: "The rate limit left no room before the slot ended."
        case .downtime: "The poller was not running."
        case .clockJump: "The wall clock leapt over the slot."
        case .logUnavailable: "The quote was fetched, but the log could not take it."
        case .shutdown: "The poller was stopping."
        case .lostToRetention:
            "The log's retention took messages before they were read; `symbol` is their topic and partition, `detail` tells their offsets."
        }
    }
}
