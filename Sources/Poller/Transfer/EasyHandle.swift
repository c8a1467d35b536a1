import CCurl
import Feeds
import MarketData

/// One libcurl transfer at a time, its connection and buffers kept for the next.
///
/// libcurl holds an unretained pointer to this object for the body's callback; the handle is cleaned up in `deinit`,
/// so that no callback can outlive it.
final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    private(set) var body: [UInt8] = []
    private(set) var isTooLarge = false
    private var maximumBytes = 0
    private var headers: HeaderList?

    init(_ settings: HTTPSettings) throws(TransferLoopError) {
        guard let raw = curl_easy_init() else { throw TransferLoopError(doing: "make a libcurl handle") }
        self.raw = raw
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        set(CURLOPT_PIPEWAIT, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(settings.connectTimeout.microseconds / 1000))
        set(CURLOPT_TIMEOUT_MS, Int(settings.totalTimeout.microseconds / 1000))
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_USERAGENT, settings.userAgent)
        // "": every content encoding that this libcurl knows.
        set(CURLOPT_ACCEPT_ENCODING, "")
        // "": no proxy, whatever the environment says.
        set(CURLOPT_PROXY, "")
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = pregao_curl_set_pointer(raw, CURLOPT_WRITEDATA, context)
        _ = pregao_curl_set_pointer(raw, CURLOPT_PRIVATE, context)
        _ = pregao_curl_set_write_function(raw) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let handle = Unmanaged<EasyHandle>.fromOpaque(context).takeUnretainedValue()
            return handle.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
        }
    }

    deinit { curl_easy_cleanup(raw) }

    func prepare(url: String, headers: HeaderList, maximumBytes: Int) {
        body.removeAll(keepingCapacity: true)
        isTooLarge = false
        self.maximumBytes = maximumBytes
        set(CURLOPT_URL, url)
        _ = pregao_curl_set_offset(raw, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(maximumBytes))
        if self.headers !== headers {
            self.headers = headers
            _ = pregao_curl_set_headers(raw, headers.list)
        }
    }

    var status: Int {
        var status = 0
        _ = pregao_curl_get_long(raw, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    /// The last answer's header of this name.
    func header(_ name: String) -> String? {
        var header: UnsafeMutablePointer<curl_header>?
        guard curl_easy_header(raw, name, 0, UInt32(CURLH_HEADER), -1, &header) == CURLHE_OK, let header,
            let value = header.pointee.value
        else { return nil }
        return String(cString: value)
    }

    static func of(_ raw: UnsafeMutableRawPointer) -> EasyHandle? {
        var context: UnsafeMutableRawPointer?
        _ = pregao_curl_get_pointer(raw, CURLINFO_PRIVATE, &context)
        return context.map { Unmanaged<EasyHandle>.fromOpaque($0).takeUnretainedValue() }
    }

    /// - Returns: false where the transfer is to be aborted.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard body.count + bytes.count <= maximumBytes else {
            isTooLarge = true
            return false
        }
        body.append(contentsOf: bytes)
        return true
    }

    private func set(_ option: CURLoption, _ value: Int) { _ = pregao_curl_set_long(raw, option, value) }

    private func set(_ option: CURLoption, _ value: String) { _ = pregao_curl_set_string(raw, option, value) }
}

/// Request headers as libcurl wants them; it does not copy them, so a handle holds on to the list that it was given.
final class HeaderList {
    let list: UnsafeMutablePointer<curl_slist>?

    init(_ headers: [FeedRequest.Header]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for header in headers { list = curl_slist_append(list, "\(header.name): \(header.value)") ?? list }
        self.list = list
    }

    deinit { curl_slist_free_all(list) }
}

/// libcurl could not be set up.
struct TransferLoopError: Error, Sendable, CustomStringConvertible {
    let doing: String

    var description: String { "could not \(doing)" }
}
