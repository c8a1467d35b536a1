import HTTPServer
import MarketData
import Runtime
import Synchronization

/// The local exchange: it serves Coinbase's wire formats, spoils answers where it is asked to, and keeps a journal of
/// what it answered.
///
/// `/v2/prices/{symbol}/{spot|buy|sell}`, `/products/{symbol}/ticker`, `/products/{symbol}/candles`; beside them
/// `PUT /-/faults` takes a ``FaultPlan`` as JSON (GET shows it), `GET /-/journal` the journal, `GET /-/ready` 204.
public final class Exchange: Sendable {
    let settings: ExchangeSettings
    let market: Market
    let recordings: Recordings?
    let rateLimiter: RateLimiter?
    private let lots: Mutex<FaultLots>
    private let serial: Atomic<UInt64>
    private let server = Mutex<HTTPServer?>(nil)

    /// Nil where the settings name no file.
    public let journal: Journal?

    /// Reads the recordings and opens the journal; nothing listens yet.
    public init(_ settings: ExchangeSettings = ExchangeSettings()) throws(ExchangeError) {
        self.settings = settings
        do throws(FaultPlanError) { try settings.faults.check() } catch {
            throw ExchangeError(doing: "read the fault plan", cause: error.description)
        }
        market = Market(seed: settings.seed)
        if case .recordings(let folder) = settings.source {
            recordings = try Recordings(folder: folder)
        } else {
            recordings = nil
        }
        if let file = settings.journal { journal = try Journal(file: file) } else { journal = nil }
        rateLimiter = settings.requestsPerSecond.map(RateLimiter.init)
        lots = Mutex(FaultLots(settings.faults))
        serial = Atomic(settings.firstSerial)
    }

    /// Listens. Starting what is started has no effect.
    public func start() throws(ExchangeError) {
        guard server.withLock({ $0 == nil }) else { return }
        let listen = HTTPServerSettings(address: settings.address, port: settings.port, threads: settings.threads)
        do throws(HTTPServerError) {
            // The server holds the exchange only weakly, since the exchange holds the server.
            let started = try HTTPServer(listen) { [weak self] request in self?.answer(request) ?? .close }
            server.withLock { $0 = started }
        } catch {
            throw ExchangeError(doing: error.doing, cause: error.cause)
        }
    }

    /// The port that it listens on; 0 before ``start()``.
    public var port: UInt16 { server.withLock { $0?.port } ?? 0 }

    /// `http://127.0.0.1:port`, which the feeds' base addresses are set to.
    public var baseURL: String { "http://\(settings.address):\(port)" }

    /// Answers given, spoilt ones included.
    public var answers: UInt64 { serial.load(ordering: .relaxed) - settings.firstSerial }

    /// From the next answer on.
    public var faults: FaultPlan {
        get { currentLots.plan }
        set { lots.withLock { $0 = FaultLots(newValue) } }
    }

    /// Lets the requests under way end, and writes the journal.
    public func stop() async throws(ExchangeError) {
        let server = server.withLock { server in
            defer { server = nil }
            return server
        }
        await server?.stop()
        try journal?.flush()
    }

    var currentLots: FaultLots { lots.withLock { $0 } }

    func takeSerial() -> UInt64 { serial.wrappingAdd(1, ordering: .relaxed).oldValue }
}
