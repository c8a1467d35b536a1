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

    /// The outcome without its particulars: published, discarded, checks-failed or not-done.
    public let ending: BatchSchedule.Outcome

    public var isPublished: Bool { ending == .published }

    init(
        model: String, day: Day, outcome: Outcome, rows: Int64?, files: Int, isByWindows: Bool, seconds: Double
    ) {
        self.model = model
        self.day = day
        self.outcome = outcome
        self.rows = rows
        self.files = files
        self.isByWindows = isByWindows
        self.seconds = seconds
        ending =
            switch outcome {
            case .published: .published
            case .discarded: .discarded
            case .checksFailed: .checksFailed
            case .notDone: .notDone
            }
    }
}
