import CCurl
import Feeds
import MarketData
import Synchronization

/// What is fetched by GET.
struct TransferRequest {
    let url: String
    let headers: HeaderList
    let maximumBytes: Int
}

/// How a transfer ended; the answer's body is borrowed for the time of the call that takes it.
enum TransferResult {
    case answered(Answer, retryAfter: String?)
    case failed(AnswerFault)
}

/// One libcurl multi handle, and the transfers under way on it, each with the caller's tag. Used by one thread only;
/// ``Waker`` alone may be used by others.
final class TransferLoop<Tag> {
    private struct Flight {
        let handle: EasyHandle
        let tag: Tag
    }

    let waker: Waker
    private let multi: UnsafeMutableRawPointer
    private let settings: HTTPSettings
    private var idle: [EasyHandle] = []
    private var flights: [UnsafeMutableRawPointer: Flight] = [:]

    init(_ settings: HTTPSettings) throws(TransferLoopError) {
        guard Curl.isReady, let multi = curl_multi_init() else { throw TransferLoopError(doing: "start libcurl") }
        self.multi = multi
        self.settings = settings
        waker = Waker(multi)
        _ = pregao_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, settings.idleConnections)
    }

    deinit {
        waker.retire()
        // libcurl: remove the easy handles, clean them up, and the multi handle last.
        for raw in flights.keys { curl_multi_remove_handle(multi, raw) }
        flights = [:]
        idle = []
        curl_multi_cleanup(multi)
    }

    var inFlight: Int { flights.count }

    /// Transfers were started that ``advance(_:)`` has not yet moved on.
    private(set) var hasNew = false

    func start(_ request: TransferRequest, tag: Tag) throws(TransferLoopError) {
        let handle = try takeHandle()
        handle.prepare(url: request.url, headers: request.headers, maximumBytes: request.maximumBytes)
        guard curl_multi_add_handle(multi, handle.raw) == CURLM_OK else {
            throw TransferLoopError(doing: "start a transfer of \(request.url)")
        }
        flights[handle.raw] = Flight(handle: handle, tag: tag)
        hasNew = true
    }

    /// Moves the transfers on, and gives those that ended to `finished`, which may start others.
    func advance(_ finished: (Tag, TransferResult) -> Void) {
        var running: Int32 = 0
        hasNew = false
        curl_multi_perform(multi, &running)
        var code = CURLE_OK
        while let raw = pregao_curl_multi_next_finished(multi, &code) {
            curl_multi_remove_handle(multi, raw)
            guard let flight = flights.removeValue(forKey: raw) else { continue }
            let handle = flight.handle
            if code == CURLE_OK {
                answered(handle, flight.tag, finished)
            } else {
                finished(flight.tag, .failed(AnswerFault(code, isTooLarge: handle.isTooLarge)))
            }
            idle.append(handle)
        }
    }

    /// Ends every transfer; nothing more comes of them.
    func abandonAll() -> [Tag] {
        let tags = flights.values.map(\.tag)
        for raw in flights.keys { curl_multi_remove_handle(multi, raw) }
        flights = [:]
        return tags
    }

    /// Waits for traffic, at most so long, or until another thread wakes the loop.
    func wait(milliseconds: Int32) {
        curl_multi_poll(multi, nil, 0, milliseconds, nil)
    }

    private func takeHandle() throws(TransferLoopError) -> EasyHandle {
        if let handle = idle.popLast() { return handle }
        return try EasyHandle(settings)
    }

    private func answered(_ handle: EasyHandle, _ tag: Tag, _ finished: (Tag, TransferResult) -> Void) {
        let status = handle.status
        let retryAfter = status == 429 || status == 503 ? handle.header("Retry-After") : nil
        handle.body.withUnsafeBytes { body in
            finished(tag, .answered(Answer(status: status, body: body), retryAfter: retryAfter))
        }
    }
}

private enum Curl {
    /// libcurl: `curl_global_init` comes before all else, once.
    static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}

/// Ends a loop's wait from any thread, as long as the loop lives.
final class Waker: Sendable {
    /// The multi handle's address; 0 once the loop is gone.
    private let address: Mutex<UInt>

    fileprivate init(_ multi: UnsafeMutableRawPointer) { address = Mutex(UInt(bitPattern: multi)) }

    func wake() {
        address.withLock { address in
            guard let multi = UnsafeMutableRawPointer(bitPattern: address) else { return }
            curl_multi_wakeup(multi)
        }
    }

    fileprivate func retire() { address.withLock { $0 = 0 } }
}
