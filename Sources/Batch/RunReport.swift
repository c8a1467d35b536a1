import MarketData

/// How the computation of one day of a model ended.
public struct RunReport: Sendable {
    public enum Outcome: Sendable {
        case published(version: Int64)
        /// Another process published the day meanwhile; this result was thrown away.
        case discarded
        /// Nothing was published; what does not hold, each in a sentence.
        case checksFailed([String])
        /// Nothing was published; trying again may help.
        case notDone(BatchError)
    }

    public let model: String
    public let day: Day
    public let outcome: Outcome
    /// The day's rows; nil where none were computed.
    public let rows: Int64?
    /// How many files were read.
    public let files: Int
    /// Whether only windows of the day were computed.
    public let isByWindows: Bool
    public let seconds: Double

    public var isPublished: Bool { if case .published = outcome { true } else { false } }
}
