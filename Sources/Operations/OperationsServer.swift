import HTTPServer
import Runtime

public struct OperationsSettings: Hashable, Sendable {
    /// An address of this machine. Nobody is asked for a password, so that any but the loopback is for a network of
    /// one's own.
    public var address: String
    /// 0 takes any that is free; nil serves nothing.
    public var port: UInt16?

    public init(address: String = "127.0.0.1", port: UInt16? = nil) {
        self.address = address
        self.port = port
    }
}

/// What supervisors and Prometheus ask of a process.
///
/// | path | answers |
/// |---|---|
/// | /healthz | 200 while the process answers |
/// | /readyz | 200 where nothing keeps it from its work, else 503 with the reasons, a line each |
/// | /metrics | its figures, in Prometheus' text format |
///
/// It answers from its making on, so that a process that waits for its log says so, until ``stop()``.
public final class OperationsServer: Sendable {
    /// The port that it listens on.
    public let port: UInt16

    private let server: HTTPServer

    /// - Throws: ``OperationsError`` where the address cannot be listened on.
    public init(
        address: String, port: UInt16, metrics: Metrics, readiness: Readiness, process: ProcessFigures
    ) throws(OperationsError) {
        let answers = Answers(metrics: metrics, readiness: readiness, process: process)
        // A few connections of those who watch, not one of each who might.
        let settings = HTTPServerSettings(
            address: address, port: port, threads: 1, maximumConnections: 64, maximumBodyBytes: 0, idleSeconds: 30,
            draining: .seconds(1))
        do throws(HTTPServerError) {
            server = try HTTPServer(settings) { answers.answer(to: $0) }
        } catch {
            throw OperationsError(description: "\(error)")
        }
        self.port = server.port
    }

    public func stop() async { await server.stop() }
}

/// Why a process cannot be watched: `listen on 127.0.0.1:9464: Address already in use`.
public struct OperationsError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

private struct Answers: Sendable {
    let metrics: Metrics
    let readiness: Readiness
    let process: ProcessFigures

    func answer(to request: HTTPRequest) -> HTTPAnswer {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .now(
                HTTPResponse(status: 405, headers: [("Allow", "GET, HEAD")], body: .bytes(Array("only GET\n".utf8))))
        }
        switch request.path {
        case "/healthz": return .now(HTTPResponse("ok\n"))
        case "/readyz": return .now(ready)
        case "/metrics": return .now(HTTPResponse(contentType: PrometheusText.contentType, figures))
        default: return .now(HTTPResponse(status: 404, "there are /healthz, /readyz and /metrics\n"))
        }
    }

    private var ready: HTTPResponse {
        let reasons = readiness.reasons
        guard !reasons.isEmpty else { return HTTPResponse("ready\n") }
        return HTTPResponse(status: 503, reasons.map { $0.replacing("\n", with: " ") + "\n" }.joined())
    }

    private var figures: String {
        let ready = (Metrics.Series(name: "pregao_ready"), Metrics.Figure.gauge(readiness.isReady ? 1 : 0))
        return PrometheusText(metrics.snapshot() + process.read() + [ready]).text
    }
}
