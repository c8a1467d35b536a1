import Synchronization

/// Objects in a bucket of S3, Google Cloud Storage or Azure, through Arrow's file systems.
///
/// A put looks whether the key is taken, and writes in one request, or in parts that are put together at the end: an
/// object is there whole or not at all. Of puts in this process one has a key at a time. Those of several processes may
/// cross, and the last one's bytes stay: Arrow has no way to say "only where there is none". The names that matter say
/// their content, so that what crosses is the same bytes.
public final class RemoteObjectStore: ObjectStore {
    public let address: StoreAddress
    public let settings: RemoteStoreSettings
    private let work: BlockingWork
    private let report: @Sendable (_ words: String) -> Void
    private let turns = KeyTurns()
    /// Opened by the first call that succeeds: a store that does not answer when the program starts may do so later.
    private let files = Mutex<ArrowFiles?>(nil)
    private let cursor = Mutex<ListingCursor?>(nil)

    /// - Parameters:
    ///   - settings: of a remote store; see ``StoreAddress/isRemote``.
    ///   - report: told in words of what no call fails for, and somebody should see to.
    public init(_ settings: RemoteStoreSettings, report: @escaping @Sendable (_ words: String) -> Void = { _ in }) {
        precondition(settings.address.isRemote, "a folder is a LocalObjectStore")
        self.settings = settings
        self.report = report
        address = settings.address
        work = BlockingWork(
            label: "pregao.store.\(settings.address)", width: settings.parallelism, limit: settings.callLimit)
    }

    public var bucket: String { address.bucket }
    public var keyPrefix: String { address.prefix }

    public func location(of key: String) -> String { "\(address)/\(key)" }

    /// The file of certificates that servers are checked by; nil where the libraries have to find it.
    public static var certificates: String? { ArrowFiles.certificates }

    /// Whether the bucket is there and answers to the credentials.
    ///
    /// - Throws: ``StoreError/Kind/misconfigured`` where it does not, ``StoreError/Kind/unavailable`` where nobody answers.
    public func check() async throws(StoreError) {
        try await call("look for \(address)") { [self] (files) throws(StoreError) in
            try checkBucket(files, doing: "look for \(address)")
        }
    }

    /// What the next request would be signed with, for others that are to read the store.
    public func credentials() async throws(StoreError) -> StoreCredentials {
        try await call("find the credentials of \(address)") { (files) throws(StoreError) in
            try Self.asking("find the credentials") { () throws(ArrowFault) in try files.credentials() }
        }
    }

    public func put(_ bytes: [UInt8], at key: String) async throws(StoreError) {
        let doing = "put \(location(of: key))"
        try ObjectKey.check(key, doing: doing)
        await turns.take(key)
        let result: Result<Void, StoreError>
        do throws(StoreError) {
            try await call(doing) { [self] (files) throws(StoreError) in
                try place(bytes, at: key, files, doing: doing)
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await turns.release(key)
        try result.get()
    }

    public func size(of key: String) async throws(StoreError) -> Int64? {
        let doing = "look for \(location(of: key))"
        try ObjectKey.check(key, doing: doing)
        return try await call(doing) { [self] (files) throws(StoreError) in
            let size = try Self.asking(doing) { () throws(ArrowFault) in try files.size(of: key) }
            if size == nil { try checkBucket(files, doing: doing) }
            return size
        }
    }

    public func read(_ key: String) async throws(StoreError) -> [UInt8] {
        let doing = "read \(location(of: key))"
        try ObjectKey.check(key, doing: doing)
        return try await call(doing) { [self] (files) throws(StoreError) in
            if let bytes = try Self.asking(doing, { () throws(ArrowFault) in try files.read(key) }) { return bytes }
            try checkBucket(files, doing: doing)
            throw StoreError(.absent, doing: doing, cause: "there is no such object")
        }
    }

    public func list(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StoredObject] {
        let doing = "list \(location(of: prefix))"
        return try await call(doing) { [self] (files) throws(StoreError) in
            // Two listings at the same time are rare, and then each reads anew what the other has put aside.
            var cursor =
                self.cursor.withLock { kept in
                    defer { kept = nil }
                    return kept
                }.flatMap { $0.continues(prefix: prefix, after: after) ? $0 : nil } ?? ListingCursor()
            let found = try cursor.next(prefix: prefix, after: after, limit: limit) { (folder) throws(StoreError) in
                try Self.asking(doing) { () throws(ArrowFault) in try files.list(folder) }
            }
            // A bucket that is not there lists nothing.
            if found.isEmpty { try checkBucket(files, doing: doing) }
            self.cursor.withLock { [cursor] in $0 = cursor }
            return found
        }
    }

    public func remove(_ key: String) async throws(StoreError) {
        let doing = "remove \(location(of: key))"
        try ObjectKey.check(key, doing: doing)
        try await call(doing) { (files) throws(StoreError) in
            try Self.asking(doing) { () throws(ArrowFault) in try files.remove(key) }
        }
    }
}

extension RemoteObjectStore {
    private func place(_ bytes: [UInt8], at key: String, _ files: ArrowFiles, doing: String) throws(StoreError) {
        let size = try Self.asking(doing) { () throws(ArrowFault) in try files.size(of: key) }
        // Arrow begins an object on Azure by an empty one, which a crash may leave.
        if let size, !(size == 0 && address.scheme == .azure) {
            guard size == Int64(bytes.count) else {
                throw StoreError(.differs, doing: doing, cause: "it is there with \(size) bytes, not \(bytes.count)")
            }
            guard try Self.asking(doing, { () throws(ArrowFault) in try files.read(key) }) == bytes else {
                throw StoreError(.differs, doing: doing, cause: "it is there with other bytes")
            }
            return
        }
        var left = 0
        defer {
            if left > 0 {
                report(
                    "uploads that broke off are left to \(address), which refuses to forget them: \(left) more; their parts"
                        + " are billed until a rule of the bucket's for unfinished uploads drops them")
            }
        }
        try Self.asking(doing) { () throws(ArrowFault) in try files.write(bytes, to: key, left: &left) }
    }

    /// S3 says of an object in a bucket that is not there the same as of one that is not there itself.
    private func checkBucket(_ files: ArrowFiles, doing: String) throws(StoreError) {
        guard try Self.asking(doing, { () throws(ArrowFault) in try files.hasBucket() }) else {
            throw StoreError(.misconfigured, doing: doing, cause: "there is no bucket \(bucket)")
        }
    }

    private func call<Value: Sendable>(
        _ doing: String, _ body: @escaping @Sendable (ArrowFiles) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await work.run(doing) { [self] () throws(StoreError) in try body(try opened(doing)) }
    }

    private func opened(_ doing: String) throws(StoreError) -> ArrowFiles {
        let result: Result<ArrowFiles, StoreError> = files.withLock { files in
            if let files { return .success(files) }
            do throws(StoreError) {
                let opened = try Self.asking(doing) { () throws(ArrowFault) in try ArrowFiles(settings) }
                files = opened
                return .success(opened)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func asking<Value>(_ doing: String, _ body: () throws(ArrowFault) -> Value) throws(StoreError)
        -> Value
    {
        do throws(ArrowFault) { return try body() } catch {
            throw StoreError(error.needsChange ? .misconfigured : .unavailable, doing: doing, cause: error.words)
        }
    }
}
