import Synchronization

/// What a client is answered.
public struct HTTPResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Chunks sent as they come, until nil; an error closes the connection in the middle of the body.
        ///
        /// Without an announced length the body is sent in HTTP's chunked coding.
        case stream(announcedLength: Int?, next: @Sendable () async throws -> [UInt8]?)

        /// The first bytes of a body of `announcedLength`, after which the connection closes.
        public static func cut(_ bytes: [UInt8], announcedLength: Int) -> Body {
            let rest = Mutex<[UInt8]?>(bytes)
            return .stream(announcedLength: announcedLength) {
                let chunk = rest.withLock { rest in
                    defer { rest = nil }
                    return rest
                }
                guard let chunk, !chunk.isEmpty else { throw BodyCut() }
                return chunk
            }
        }

        private struct BodyCut: Error {}
    }

    public var status: Int
    /// Length, date and connection headers are the server's.
    public var headers: [(name: String, value: String)]
    public var body: Body

    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public init(status: Int = 200, contentType: String, _ bytes: [UInt8]) {
        self.init(status: status, headers: [("Content-Type", contentType)], body: .bytes(bytes))
    }

    public init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", _ text: String) {
        self.init(status: status, contentType: contentType, Array(text.utf8))
    }
}

/// What a handler does with a request.
public enum HTTPAnswer: Sendable {
    case now(HTTPResponse)
    /// The connection waits, and holds no thread, until the work has its answer.
    ///
    /// The work is cancelled where the server stops and its time to drain is over.
    case later(@Sendable () async -> HTTPAnswer)
    /// The connection closes without an answer.
    case close
}
