import CMicrohttpd
import Foundation
import Synchronization

/// An HTTP/1.1 server with keep-alive, over libmicrohttpd: a few threads, each with its own connections.
///
/// It listens from its making until ``stop()``, or until it is let go.
public final class HTTPServer: Sendable {
    /// Called on the server's threads, several at once. It must not block: what takes time goes into
    /// ``HTTPAnswer/later(_:)``.
    public typealias Handler = @Sendable (HTTPRequest) -> HTTPAnswer

    /// The port that it listens on.
    public let port: UInt16

    private let draining: Duration
    private let core: HTTPServerCore
    /// The library's handle as a number, since pointers are not Sendable; nil once the server is stopping.
    private let daemon: Mutex<UInt?>

    public init(_ settings: HTTPServerSettings = HTTPServerSettings(), handler: @escaping Handler)
        throws(HTTPServerError)
    {
        let doing = "listen on \(settings.address):\(settings.port)"
        let core = HTTPServerCore(maximumBodyBytes: settings.maximumBodyBytes, handler: handler)
        let limits = pregao_http_limits(
            threads: UInt32(max(settings.threads, 1)), connections: UInt32(max(settings.maximumConnections, 1)),
            idle_seconds: UInt32(max(settings.idleSeconds, 0)))
        guard
            let handle = ListenAddress.with(
                settings.address, port: settings.port,
                {
                    pregao_http_start($0, core.callbacks(), limits)
                })
        else { throw HTTPServerError(doing: doing, cause: "not a numeric IPv4 or IPv6 address") }
        guard let handle else {
            let code = errno
            core.releaseCallbacks()
            throw HTTPServerError(doing: doing, errno: code)
        }
        self.core = core
        draining = settings.draining
        daemon = Mutex(UInt(bitPattern: handle))
        port = pregao_http_port(handle)
    }

    deinit {
        guard let handle = takeDaemon() else { return }
        core.abandonEverything()
        MHD_stop_daemon(handle)
        core.releaseCallbacks()
    }

    /// Accepts no further connection, lets the requests under way end within the settings' time, and closes the rest.
    public func stop() async {
        guard let handle = takeDaemon() else { return }
        let listener = MHD_quiesce_daemon(handle)
        await core.drain(atMost: draining)
        core.abandonEverything()
        MHD_stop_daemon(handle)
        if listener >= 0 { close(listener) }
        core.releaseCallbacks()
    }

    private func takeDaemon() -> OpaquePointer? {
        daemon.withLock { daemon in
            defer { daemon = nil }
            return daemon.flatMap { OpaquePointer(bitPattern: $0) }
        }
    }
}

/// A numeric address as the sockets interface wants it.
private enum ListenAddress {
    /// - Returns: nil where the text is not a numeric address.
    static func with<Result>(_ text: String, port: UInt16, _ body: (UnsafePointer<sockaddr>) -> Result) -> Result? {
        var ipv4 = sockaddr_in()
        if inet_pton(AF_INET, text, &ipv4.sin_addr) == 1 {
            ipv4.sin_family = sa_family_t(AF_INET)
            ipv4.sin_port = port.bigEndian
            return withUnsafePointer(to: ipv4) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
            }
        }
        var ipv6 = sockaddr_in6()
        guard inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1 else { return nil }
        ipv6.sin6_family = sa_family_t(AF_INET6)
        ipv6.sin6_port = port.bigEndian
        return withUnsafePointer(to: ipv6) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }
}
