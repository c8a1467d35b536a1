import Foundation
import MarketData
import Runtime

/// How the local exchange listens, what it serves, and what it keeps.
public struct ExchangeSettings: Sendable {
    /// Where prices come from.
    public enum Source: Sendable, Hashable {
        /// A random walk of each symbol, from the seed.
        case randomWalk
        /// The recorded answers in a folder, each symbol's and series' in the order of their file names, over and over;
        /// see ``Recordings`` for the names.
        case recordings(folder: URL)
    }

    public var address: String
    /// 0 for any that is free.
    public var port: UInt16
    public var threads: Int
    /// Equal seeds give equal prices, candles and faults for equal requests in equal order.
    public var seed: UInt64
    public var source: Source
    /// The symbols that it knows; nil for every well-formed one (`BTC-USD`).
    public var symbols: Set<String>?
    /// The first answer's serial number. A new process that goes on with an old one's journal starts after its last.
    public var firstSerial: UInt64
    public var faults: FaultPlan
    /// Answers a second to one address before it is answered 429; nil for no limit.
    public var requestsPerSecond: Int?
    /// The file that gets a JSON line an answer; nil for none.
    public var journal: URL?
    public var clock: any WallClock

    public init(
        address: String = "127.0.0.1", port: UInt16 = 0, threads: Int = 2, seed: UInt64 = 1,
        source: Source = .randomWalk, symbols: Set<String>? = nil, firstSerial: UInt64 = 0,
        faults: FaultPlan = FaultPlan(), requestsPerSecond: Int? = nil, journal: URL? = nil,
        clock: any WallClock = SystemWallClock()
    ) {
        self.address = address
        self.port = port
        self.threads = threads
        self.seed = seed
        self.source = source
        self.symbols = symbols
        self.firstSerial = firstSerial
        self.faults = faults
        self.requestsPerSecond = requestsPerSecond
        self.journal = journal
        self.clock = clock
    }
}

/// What the local exchange could not do.
public struct ExchangeError: Error, Sendable, CustomStringConvertible {
    /// What was being done to what: `read the recording …`.
    public let doing: String
    public let cause: String

    init(doing: String, cause: String) {
        self.doing = doing
        self.cause = cause
    }

    public var description: String { "\(doing): \(cause)" }
}
