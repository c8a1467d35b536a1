import Lake
import MarketData
import Runtime

/// What went wrong with the catalog, and what was being done.
public struct CatalogError: Error, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// Another process holds the catalog longer than we wait, or the engine conflicted too often: try again.
        case busy
        /// The catalog's file is damaged or not a catalog.
        case corrupt
        /// A range overlaps a registered one, or a version is no longer the one a run started from.
        case refused
        /// The engine died, or answered what we cannot read; nothing of the transaction was done.
        case engine
        /// The SQL of a user or a model is wrong.
        case sql
        case unavailable
    }

    public let kind: Kind
    public let doing: String
    public let cause: String

    public init(_ kind: Kind, doing: String, cause: String) {
        self.kind = kind
        self.doing = doing
        self.cause = cause
    }

    public var description: String { "\(doing): \(cause) (\(kind.rawValue))" }
}
