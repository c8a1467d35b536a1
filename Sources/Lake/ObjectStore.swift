/// Objects by key, in a folder or a bucket. Every object is written once: a key never holds other bytes than its first.
///
/// Implementations: a local folder; S3, Google Cloud Storage and Azure. One contract suite runs against each.
public protocol ObjectStore: Sendable {
    /// The bucket name that object-created messages bear.
    var bucket: String { get }

    /// What an object's key in the bucket has before the store's own: empty, or ending in a slash.
    var keyPrefix: String { get }

    /// Makes the object durable under `key`, or finds it there with the same bytes.
    ///
    /// - Throws: ``StoreError/Kind/differs`` where the key holds other bytes.
    func put(_ bytes: [UInt8], at key: String) async throws(StoreError)

    /// The object's size in bytes, or nil where there is none.
    func size(of key: String) async throws(StoreError) -> Int64?

    /// - Throws: ``StoreError/Kind/absent`` where there is none.
    func read(_ key: String) async throws(StoreError) -> [UInt8]

    /// The keys below `prefix` that come after `after` in byte order, at most `limit`.
    func list(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StoredObject]

    /// Removes the object; there being none is no error.
    func remove(_ key: String) async throws(StoreError)

    /// How the SQL engine names the object: an absolute path or a URI.
    func location(of key: String) -> String
}

extension ObjectStore {
    public var keyPrefix: String { "" }
}

public struct StoredObject: Hashable, Sendable {
    public let key: String
    public let size: Int64
    /// When it was written, in microseconds since 1970, by the store's clock.
    public let modified: Int64

    public init(key: String, size: Int64, modified: Int64) {
        self.key = key
        self.size = size
        self.modified = modified
    }
}

public struct StoreError: Error, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// There is no such object.
        case absent
        /// The key holds other bytes.
        case differs
        /// The key is not a plain relative path; it would leave the store.
        case forbiddenKey
        /// No space, no permission, not reachable, throttled: trying again may help.
        case unavailable
        /// The store answers, and refuses the credentials, or has no such bucket: somebody has to change something, and
        /// trying again helps once that is done.
        case misconfigured
    }

    public let kind: Kind
    /// What was being done to what: `put raw/quotes/…`.
    public let doing: String
    public let cause: String

    public init(_ kind: Kind, doing: String, cause: String) {
        self.kind = kind
        self.doing = doing
        self.cause = cause
    }

    /// Whether the error tells nothing of the object, and trying again may succeed.
    public var isTransient: Bool { kind == .unavailable || kind == .misconfigured }

    public var description: String { "\(doing): \(cause) (\(kind.rawValue))" }
}
