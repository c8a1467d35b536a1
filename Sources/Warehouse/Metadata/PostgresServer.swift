import Foundation

/// A database of a PostgreSQL server, and the schema in it, where a catalog's metadata are.
public struct PostgresServer: Hashable, Sendable {
    /// As libpq takes it, without a password.
    public let uri: String
    public let schema: String
    /// What the URI held; nil leaves it to `PGPASSWORD` or `~/.pgpass`, as libpq looks for it.
    public let password: String?

    /// - Parameter uri: `postgresql://[user[:password]@][host][:port]/database[?parameter=value&…]`
    ///   (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
    /// - Returns: nil where it is none, or names no database.
    public init?(uri: String, schema: String = "pregao", password: String? = nil) {
        let letters = Set("abcdefghijklmnopqrstuvwxyz_")
        guard let first = schema.first, letters.contains(first), schema.utf8.count <= 40,
            schema.allSatisfy({ letters.contains($0) || ("0"..."9").contains($0) })
        else { return nil }
        guard ["postgresql://", "postgres://"].contains(where: uri.hasPrefix), !uri.contains(where: \.isWhitespace),
            !uri.contains(where: \.isNewline), let scheme = uri.range(of: "://")
        else { return nil }
        var rest = uri[scheme.upperBound...]
        var query: [Substring] = []
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...].split(separator: "&")
            rest = rest[..<mark]
        }
        guard let slash = rest.firstIndex(of: "/"), rest.index(after: slash) < rest.endIndex else { return nil }
        var found: String?
        var user = ""
        var hosts = rest[..<slash]
        if let at = hosts.lastIndex(of: "@") {
            let parts = hosts[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = parts[0] + "@"
            if parts.count > 1 { found = String(parts[1]).removingPercentEncoding }
            hosts = hosts[hosts.index(after: at)...]
        }
        for parameter in query where parameter.hasPrefix("password=") {
            found = String(parameter.dropFirst("password=".count)).removingPercentEncoding
        }
        query.removeAll { $0.hasPrefix("password=") }
        // libpq waits for ever where it is not told otherwise.
        if !query.contains(where: { $0.hasPrefix("connect_timeout=") }) { query.append("connect_timeout=10") }
        self.uri = "postgresql://\(user)\(hosts)\(rest[slash...])?\(query.joined(separator: "&"))"
        self.schema = schema
        self.password = password ?? found
    }

    /// What an engine's process is started with beside our own environment. The environment is shown to the same user
    /// alone; a statement may be quoted in an error.
    public var environment: [String: String] { password.map { ["PGPASSWORD": $0] } ?? [:] }

    /// The URI with settings of the session's.
    func uri(with settings: [(name: String, value: String)]) -> String {
        guard !settings.isEmpty, !uri.contains("options=") else { return uri }
        let options = settings.map { "-c%20\($0.name)%3D\($0.value)" }
        return "\(uri)&options=\(options.joined(separator: "%20"))"
    }
}
