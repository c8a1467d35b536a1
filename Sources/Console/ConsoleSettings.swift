public struct ConsoleSettings: Hashable, Sendable {
    /// An address of this machine. The console asks for no password, so that any but the loopback is to stand behind a
    /// server that does.
    public var address: String
    /// 0 takes any free port.
    public var port: UInt16

    public init(address: String = "127.0.0.1", port: UInt16 = 8642) {
        self.address = address
        self.port = port
    }
}
