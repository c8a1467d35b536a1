import Synchronization

/// A request from its first line to the end of its answer.
final class RequestUnderWay: Sendable {
    enum Step {
        case goOn
        case ask(body: [UInt8])
        case perform(HTTPAnswer)
    }

    private enum Phase {
        case headers
        case body([UInt8])
        case tooLarge
        case asked
        case settled(HTTPAnswer)
    }

    /// As it came, percent-encoded, with its query.
    let target: String
    private let phase = Mutex(Phase.headers)

    init(target: String) { self.target = target }

    static func of(_ context: UnsafeMutableRawPointer?) -> RequestUnderWay? {
        context.map { Unmanaged<RequestUnderWay>.fromOpaque($0).takeUnretainedValue() }
    }

    /// What to do at a call of the library's, which brought `received` of the body.
    func step(_ received: UnsafeRawBufferPointer, maximumBodyBytes: Int) -> Step {
        phase.withLock { phase in
            switch phase {
            case .headers:
                // libmicrohttpd closes the connection after an answer that is queued at its first call.
                phase = .body([])
                return .goOn
            case .body(var body):
                guard !received.isEmpty else {
                    phase = .asked
                    return .ask(body: body)
                }
                body.append(contentsOf: received)
                phase = body.count > maximumBodyBytes ? .tooLarge : .body(body)
                return .goOn
            case .tooLarge:
                guard received.isEmpty else { return .goOn }
                phase = .asked
                return .perform(.now(HTTPResponse(status: 413, "The body is longer than \(maximumBodyBytes) bytes.\n")))
            case .asked: return .goOn
            case .settled(let answer):
                phase = .asked
                return .perform(answer)
            }
        }
    }

    /// The answer that a suspended connection is resumed with.
    func settle(_ answer: HTTPAnswer) { phase.withLock { $0 = .settled(answer) } }
}
