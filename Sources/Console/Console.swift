import EventLog
import Foundation
import HTTPServer
import Runtime
import Warehouse

/// A page that shows what is collected, and the addresses that supervisors ask whether all is well.
///
/// | path | answers |
/// |---|---|
/// | / | a page: processes, newest objects, a chart of each symbol's latest minutes |
/// | /healthz | 200 while the process answers |
/// | /readyz | 200 where log and catalog can be read and nothing is held back, else 503 with the reasons |
/// | /api/status | the processes' figures as JSON |
public struct Console: Sendable {
    private let settings: ConsoleSettings
    private let log: any EventLog
    private let catalog: Catalog
    private let status: StatusFolder
    private let logger: Logger

    public init(
        settings: ConsoleSettings, log: any EventLog, catalog: Catalog, status: StatusFolder, logger: Logger
    ) {
        self.settings = settings
        self.log = log
        self.catalog = catalog
        self.status = status
        self.logger = logger
    }

    /// Serves until the shutdown is requested.
    ///
    /// - Throws: ``ConsoleError`` where the address cannot be listened on.
    public func run(until shutdown: Shutdown) async throws {
        let settings = HTTPServerSettings(address: settings.address, port: settings.port)
        let server: HTTPServer
        do { server = try HTTPServer(settings) { request in answer(to: request) } } catch {
            throw ConsoleError(description: "\(error)")
        }
        logger.info("console listens", ["url": "http://\(self.settings.address):\(server.port)/"])
        await shutdown.requested()
        await server.stop()
    }

    private func answer(to request: HTTPRequest) -> HTTPAnswer {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .now(HTTPResponse(status: 405, "only GET\n"))
        }
        switch request.path {
        case "/": return .later { await .now(page()) }
        case "/healthz": return .now(HTTPResponse("ok\n"))
        case "/readyz": return .later { await .now(readiness()) }
        case "/api/status": return .now(statusJSON())
        default: return .now(HTTPResponse(status: 404, "there is no such page; see /\n"))
        }
    }

    private func readiness() async -> HTTPResponse {
        var reasons: [String] = []
        do throws(LogError) { _ = try await log.topics() } catch { reasons.append("log: \(error)") }
        do throws(CatalogError) { _ = try await catalog.rows("SELECT n FROM lake.pregao.turn") } catch {
            reasons.append("catalog: \(error)")
        }
        let held = status.all().filter(\.isAlive).reduce(0) { $0 + $1.total("pregao_archiver_held_partitions") }
        if held > 0 { reasons.append("\(Int(held)) partitions are held back by the archiver") }
        return reasons.isEmpty
            ? HTTPResponse("ready\n") : HTTPResponse(status: 503, reasons.joined(separator: "\n") + "\n")
    }

    private func statusJSON() -> HTTPResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(status.all()) else { return HTTPResponse(status: 500, "no status\n") }
        return HTTPResponse(contentType: "application/json", Array(data))
    }

    private func page() async -> HTTPResponse {
        do throws(CatalogError) {
            // A batch makes the table when it first starts.
            let hasBars = try await !catalog.rows(ConsolePage.barsTableQuery).isEmpty
            let page = ConsolePage(
                processes: status.all(), objects: try await catalog.rows(ConsolePage.objectsQuery),
                bars: hasBars ? try await catalog.rows(ConsolePage.barsQuery) : [])
            return HTTPResponse(contentType: "text/html; charset=utf-8", page.html)
        } catch {
            return HTTPResponse(status: 503, "the catalog cannot be read: \(error)\n")
        }
    }
}

/// Why the console cannot be served: `listen on 127.0.0.1:8642: Address already in use`.
public struct ConsoleError: Error, Sendable, CustomStringConvertible {
    public let description: String
}
