import Foundation

/// Why a day could not be computed or published, and what was being done. Nothing was published.
public struct BatchError: Error, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// No space is left for the result, or its folder is read-only.
        case cannotWrite
        /// The engine died, or refuses the query.
        case engine
        /// The catalog is busy, damaged or not there.
        case catalog
        /// There is no such model.
        case unknownModel
        /// Objects that are not to be compacted as they are: of a newer schema than this program knows, or of other rows
        /// than the ledger says.
        case refused

        /// Whether anything else that is tried now would fail, too.
        var isOfEverything: Bool { self == .cannotWrite || self == .catalog }
    }

    public let kind: Kind
    /// `compute refined.quotes_1m of 2026-11-20`
    public let doing: String
    public let cause: String

    public init(_ kind: Kind, doing: String, cause: String) {
        self.kind = kind
        self.doing = doing
        self.cause = cause
    }

    public var description: String { "\(doing): \(cause) (\(kind.rawValue))" }

    /// The error that errno tells of, right after the call that failed.
    static func system(doing: String) -> BatchError {
        BatchError(.cannotWrite, doing: doing, cause: String(cString: strerror(errno)))
    }
}
