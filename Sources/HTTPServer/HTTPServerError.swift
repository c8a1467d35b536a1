import Foundation

/// Why a server did not start.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    /// What was being done: `listen on 127.0.0.1:8080`.
    public let doing: String
    public let cause: String

    init(doing: String, cause: String) {
        self.doing = doing
        self.cause = cause
    }

    init(doing: String, errno code: Int32) { self.init(doing: doing, cause: String(cString: strerror(code))) }

    public var description: String { "\(doing): \(cause)" }
}
