import CCurl

/// libcurl's multi interface and nothing else: the same requests over the same number of connections, each answer's
/// bytes counted and forgotten.
struct BareLoop {
    private let multi = curl_multi_init()
    private let handles: [UnsafeMutableRawPointer]

    init(urls: [String], inFlight: Int) {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        handles = (0..<inFlight).compactMap { number in
            guard let handle = curl_easy_init() else { return nil }
            _ = pregao_curl_set_string(handle, CURLOPT_URL, urls[number % urls.count])
            _ = pregao_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
            _ = pregao_curl_set_write_function(handle) { _, size, count, _ in size * count }
            return handle
        }
    }

    /// - Returns: answers with status 200.
    func run(for seconds: Double, _ urls: [String]) -> Int {
        var answers = 0
        var next = 0
        let watch = Stopwatch()
        for handle in handles { curl_multi_add_handle(multi, handle) }
        while watch.seconds < seconds {
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            var code = CURLE_OK
            var finished = false
            while let handle = pregao_curl_multi_next_finished(multi, &code) {
                finished = true
                var status = 0
                _ = pregao_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
                if code == CURLE_OK, status == 200 { answers += 1 }
                curl_multi_remove_handle(multi, handle)
                next = (next + 1) % urls.count
                _ = pregao_curl_set_string(handle, CURLOPT_URL, urls[next])
                curl_multi_add_handle(multi, handle)
            }
            if !finished { curl_multi_poll(multi, nil, 0, 100, nil) }
        }
        for handle in handles { curl_multi_remove_handle(multi, handle) }
        return answers
    }

    func close() {
        for handle in handles { curl_easy_cleanup(handle) }
        curl_multi_cleanup(multi)
    }
}
