import CArrow

/// A file system of Arrow's, the one place that calls it. Its calls block.
///
/// Arrow: a FileSystem may be used from several threads at once.
final class ArrowFiles: Sendable {
    // Never changed, and what it points to is safe to share, as above.
    private nonisolated(unsafe) let handle: OpaquePointer
    private let address: StoreAddress

    init(_ settings: RemoteStoreSettings) throws(ArrowFault) {
        address = settings.address
        var options = pregao_store_options()
        options.kind =
            switch settings.address.scheme {
            case .s3, .folder: pregao_store_s3
            case .gcs: pregao_store_gcs
            case .azure: pregao_store_azure
            }
        options.connect_timeout = settings.connectTimeout / .seconds(1)
        options.request_timeout = settings.requestTimeout / .seconds(1)
        var opened: OpaquePointer?
        let message = CTexts.with([
            settings.address.description, settings.address.bucket, settings.endpoint ?? "", settings.region ?? "",
            settings.accessKey ?? "", settings.secretKey ?? "",
        ]) { texts in
            options.url = texts[0]
            options.bucket = texts[1]
            options.endpoint = texts[2]
            options.region = texts[3]
            options.access_key = texts[4]
            options.secret_key = texts[5]
            return pregao_store_open(&options, &opened)
        }
        try ArrowFault.check(message)
        guard let opened else { throw ArrowFault(words: "no file system was opened") }
        handle = opened
    }

    static var certificates: String? {
        let path = String(cString: pregao_store_certificates())
        return path.isEmpty ? nil : path
    }

    deinit { pregao_store_close(handle) }

    /// The bucket, then the key, as Arrow has them.
    private func path(_ key: String) -> String { "\(address.bucket)/\(address.prefix)\(key)" }

    func hasBucket() throws(ArrowFault) -> Bool {
        var isThere = false
        try ArrowFault.check(pregao_store_has(handle, address.bucket, &isThere))
        return isThere
    }

    func size(of key: String) throws(ArrowFault) -> Int64? {
        var size: Int64 = -1
        try ArrowFault.check(pregao_store_size(handle, path(key), &size))
        return size < 0 ? nil : size
    }

    func read(_ key: String) throws(ArrowFault) -> [UInt8]? {
        var bytes = pregao_bytes()
        try ArrowFault.check(pregao_store_read(handle, path(key), &bytes))
        guard bytes.owner != nil else { return nil }
        defer { pregao_bytes_free(&bytes) }
        return Array(UnsafeBufferPointer(start: bytes.start, count: bytes.count))
    }

    /// - Parameter left: how many uploads that had broken off were left to the store meanwhile, which refuses to forget
    ///   them; set also where it throws.
    func write(_ bytes: [UInt8], to key: String, left: inout Int) throws(ArrowFault) {
        try ArrowFault.check(
            bytes.withUnsafeBufferPointer { pregao_store_write(handle, path(key), $0.baseAddress, $0.count, &left) })
    }

    func remove(_ key: String) throws(ArrowFault) {
        try ArrowFault.check(pregao_store_remove(handle, path(key)))
    }

    /// - Parameter folder: empty, or ending in a slash.
    func list(_ folder: String) throws(ArrowFault) -> [FolderEntry] {
        var listing: OpaquePointer?
        let path = path(folder)
        try ArrowFault.check(pregao_store_list(handle, String(path.dropLast()), &listing))
        guard let listing else { return [] }
        defer { pregao_store_listing_free(listing) }
        return (0..<pregao_store_listing_count(listing)).map { index in
            let entry = pregao_store_listing_entry(listing, index)
            return FolderEntry(
                key: folder + String(cString: entry.name), isFolder: entry.is_folder, size: entry.size,
                modified: entry.modified)
        }
    }

    func credentials() throws(ArrowFault) -> StoreCredentials {
        var credentials = pregao_store_credentials()
        try ArrowFault.check(pregao_store_credentials_now(handle, &credentials))
        func taken(_ text: UnsafeMutablePointer<CChar>?) -> String {
            defer { pregao_arrow_free_message(text) }
            return text.map { String(cString: $0) } ?? ""
        }
        return StoreCredentials(
            accessKey: taken(credentials.access_key), secretKey: taken(credentials.secret_key),
            sessionToken: taken(credentials.session_token), region: taken(credentials.region))
    }
}

/// What a request is signed with. Never to be shown.
public struct StoreCredentials: Hashable, Sendable {
    public let accessKey: String
    public let secretKey: String
    /// Empty where there is none.
    public let sessionToken: String
    public let region: String

    public init(accessKey: String, secretKey: String, sessionToken: String, region: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.region = region
    }
}

/// Texts lent to C for the time of a call.
enum CTexts {
    static func with<Outcome>(_ texts: [String], _ body: ([UnsafePointer<CChar>]) -> Outcome) -> Outcome {
        lend(texts[...], [], body)
    }

    private static func lend<Outcome>(
        _ texts: ArraySlice<String>, _ lent: [UnsafePointer<CChar>], _ body: ([UnsafePointer<CChar>]) -> Outcome
    ) -> Outcome {
        guard let first = texts.first else { return body(lent) }
        return first.withCString { lend(texts.dropFirst(), lent + [$0], body) }
    }
}
