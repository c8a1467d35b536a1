import Foundation

/// Where a store is: `s3://bucket/prefix`, `gs://bucket/prefix`, `abfs://container@account.dfs.core.windows.net/prefix`,
/// `file:///folder`, or a folder's path.
public struct StoreAddress: Hashable, Sendable, CustomStringConvertible {
    public enum Scheme: String, Sendable, CaseIterable { case folder = "file", s3, gcs = "gs", azure = "abfs" }

    public let scheme: Scheme
    /// The bucket's name, Azure's container; of a folder its path.
    public let bucket: String
    /// What every key in the bucket begins with; empty, or ending in a slash.
    public let prefix: String
    /// Azure's account and domain, `account.dfs.core.windows.net`; empty for the others.
    public let host: String

    /// - Throws: what is wrong, for a sentence that begins with the setting's name.
    public init(_ text: String) throws(StoreAddressFault) {
        guard let separator = text.range(of: "://") else {
            self.init(scheme: .folder, bucket: text, prefix: "", host: "")
            return
        }
        let name = text[..<separator.lowerBound]
        guard let scheme = Scheme(rawValue: name == "abfss" ? "abfs" : String(name)) else {
            throw StoreAddressFault("takes a folder or a URL of s3, gs, abfs or file, not one of \(name)")
        }
        let rest = text[separator.upperBound...]
        if scheme == .folder {
            guard rest.hasPrefix("/") else { throw StoreAddressFault("takes file:///an/absolute/path") }
            self.init(scheme: .folder, bucket: String(rest), prefix: "", host: "")
            return
        }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let path = parts.count == 2 ? parts[1].split(separator: "/").joined(separator: "/") : ""
        var bucket = parts[0]
        var host = ""
        if scheme == .azure, let at = bucket.firstIndex(of: "@") {
            host = String(bucket[bucket.index(after: at)...])
            bucket = String(bucket[..<at])
        }
        guard !bucket.isEmpty, !bucket.contains(where: { "@?#: ".contains($0) }),
            !path.contains(where: { "?#".contains($0) })
        else {
            // The text is not shown: it may hold a secret.
            throw StoreAddressFault("takes \(name)://bucket/prefix, and neither credentials nor options inside")
        }
        guard scheme != .azure || host.contains(".") else {
            throw StoreAddressFault("takes abfs://container@account.dfs.core.windows.net/prefix")
        }
        if !path.isEmpty {
            do throws(StoreError) { try ObjectKey.check(path, doing: "") } catch {
                throw StoreAddressFault("\(error.cause)")
            }
        }
        self.init(scheme: scheme, bucket: bucket, prefix: path.isEmpty ? "" : path + "/", host: host)
    }

    private init(scheme: Scheme, bucket: String, prefix: String, host: String) {
        self.scheme = scheme
        self.bucket = bucket
        self.prefix = prefix
        self.host = host
    }

    /// Whether the store is of another machine.
    public var isRemote: Bool { scheme != .folder }

    /// What a key follows on, without a slash at its end.
    public var description: String {
        switch scheme {
        case .folder: bucket
        case .s3, .gcs: "\(scheme.rawValue)://\(bucket)/\(prefix)".droppingSlash
        case .azure: "abfs://\(bucket)@\(host)/\(prefix)".droppingSlash
        }
    }
}

/// Why a text is no store's address.
public struct StoreAddressFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

extension String {
    fileprivate var droppingSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}
