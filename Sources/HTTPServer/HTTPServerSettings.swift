/// How a server listens, and its bounds.
public struct HTTPServerSettings: Sendable {
    /// A numeric IPv4 or IPv6 address: `127.0.0.1`, `0.0.0.0`, `::1`.
    public var address: String
    /// 0 for any that is free.
    public var port: UInt16
    /// Threads that read requests, call the handler and send answers.
    public var threads: Int
    /// Open connections; further ones wait to be accepted.
    public var maximumConnections: Int
    /// A request with a longer body is answered 413.
    public var maximumBodyBytes: Int
    /// Idle connections are closed after this time, in seconds; 0 for never.
    public var idleSeconds: Int
    /// How long ``HTTPServer/stop()`` lets requests under way end.
    public var draining: Duration

    public init(
        address: String = "127.0.0.1", port: UInt16 = 0, threads: Int = 2, maximumConnections: Int = 4096,
        maximumBodyBytes: Int = 1_048_576, idleSeconds: Int = 120, draining: Duration = .seconds(5)
    ) {
        self.address = address
        self.port = port
        self.threads = threads
        self.maximumConnections = maximumConnections
        self.maximumBodyBytes = maximumBodyBytes
        self.idleSeconds = idleSeconds
        self.draining = draining
    }
}
