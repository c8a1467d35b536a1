import Foundation

/// A database of a PostgreSQL server, and the schema in it, where a catalog's metadata are.
public struct PostgresServer: Hashable, Sendable {
    /// Why a text names no database that we can use. It quotes nothing of the text, which may hold a password.
    public struct Fault: Error, CustomStringConvertible {
        public let description: String
    }

    /// As libpq takes it, without a password.
    public let uri: String
    public let schema: String
    /// What the URI held; nil leaves it to `PGPASSWORD` or `~/.pgpass`, as libpq looks for it.
    public let password: String?

    /// - Parameter uri: `postgresql://[user[:password]@][host][:port]/database[?parameter=value&…]`
    ///   (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
    public init(uri: String, schema: String = "pregao", password: String? = nil) throws(Fault) {
        let letters = Set("abcdefghijklmnopqrstuvwxyz_")
        guard let first = schema.first, letters.contains(first), schema.utf8.count <= 40,
            schema.allSatisfy({ letters.contains($0) || ("0"..."9").contains($0) })
        else { throw Fault(description: "a schema's name is of a-z, 0-9 and _, at most 40 letters long") }
        let parts = try Parts(uri)
        var found: String?
        var user = ""
        if let credentials = parts.credentials {
            let halves = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            // libpq ends it at the first @.
            user = halves[0].replacing("@", with: "%40") + "@"
            if halves.count > 1 { found = try Self.decoded(halves[1]) }
        }
        var query: [Substring] = []
        for parameter in parts.parameters {
            let name = try Self.name(of: parameter)
            guard !Self.secrets.contains(name) else {
                throw Fault(
                    description: "the parameter \(name) is not taken, since it would be printed: libpq also reads it "
                        + "from a file that service=NAME points into")
            }
            if name == "password" {
                found = try Self.decoded(parameter.drop { $0 != "=" }.dropFirst())
            } else {
                query.append(parameter)
            }
        }
        // libpq waits for ever where it is not told otherwise.
        if !query.contains(where: { Self.hasName("connect_timeout", $0) }) { query.append("connect_timeout=10") }
        self.uri = "postgresql://\(user)\(parts.hosts)\(parts.path)?\(query.joined(separator: "&"))"
        self.schema = schema
        self.password = password ?? found
    }

    /// What an engine's process is started with beside our own environment. The environment is shown to the same user
    /// alone; a statement may be quoted in an error.
    public var environment: [String: String] { password.map { ["PGPASSWORD": $0] } ?? [:] }

    /// The URI with settings of the session's, which go before those that it holds itself.
    func uri(with settings: [(name: String, value: String)]) -> String {
        guard !settings.isEmpty else { return uri }
        let halves = uri.split(separator: "?", maxSplits: 1)
        var query = halves[1].split(separator: "&")
        let isOptions = { Self.hasName("options", $0) }
        let given = query.last(where: isOptions).map { [$0.drop { $0 != "=" }.dropFirst()] } ?? []
        query.removeAll(where: isOptions)
        // Of an option that is given twice the server takes the last.
        let options = given.map(String.init) + settings.map { "-c%20\($0.name)%3D\($0.value)" }
        return "\(halves[0])?\((query + ["options=\(options.joined(separator: "%20"))"]).joined(separator: "&"))"
    }

    /// Those beside the password that libpq takes.
    private static let secrets: Set<String> = [
        "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key",
    ]

    private static func hasName(_ name: String, _ parameter: Substring) -> Bool {
        (try? Self.name(of: parameter)) == name
    }

    private static func name(of parameter: Substring) throws(Fault) -> String {
        guard let end = parameter.firstIndex(of: "=") else {
            throw Fault(description: "a parameter has no value; \(Parts.whatToWrite)")
        }
        return try decoded(parameter[..<end])
    }

    private static func decoded(_ text: Substring) throws(Fault) -> String {
        guard let decoded = text.removingPercentEncoding else {
            throw Fault(description: "a % stands before what are not two hexadecimal digits; \(Parts.whatToWrite)")
        }
        return decoded
    }
}

/// A URI taken apart as libpq does, but for an @ in a name or a password.
private struct Parts {
    let credentials: Substring?
    let hosts: Substring
    /// With its slash.
    let path: Substring
    let parameters: [Substring]

    static let whatToWrite =
        "in a user's name and a password, / is to be written %2F, ? %3F, @ %40 and % %25; "
        + "a password may also be given apart, as catalog.password"

    init(_ uri: String) throws(PostgresServer.Fault) {
        guard ["postgresql://", "postgres://"].contains(where: uri.hasPrefix), let scheme = uri.range(of: "://") else {
            throw PostgresServer.Fault(description: "it is no URI that begins with postgresql://")
        }
        guard !uri.contains(where: { $0.isWhitespace || $0.isNewline }) else {
            throw PostgresServer.Fault(description: "it holds a blank, which is to be written %20")
        }
        let rest = uri[scheme.upperBound...]
        let end = rest.firstIndex(of: "?") ?? rest.endIndex
        let slash = rest[..<end].firstIndex(of: "/") ?? end
        path = rest[slash..<end]
        parameters = rest[end...].dropFirst().split(separator: "&")
        var hosts = rest[..<slash]
        var credentials: Substring?
        if let at = hosts.lastIndex(of: "@") {
            credentials = hosts[..<at]
            hosts = hosts[hosts.index(after: at)...]
        }
        self.credentials = credentials
        self.hosts = hosts
        // A password with a / or a ? in it ends the host's name early: its rest would be taken for a database's name,
        // and printed. The @ after it tells.
        let hasNoAt = { (parameter: Substring) in
            ["user=", "password="].contains(where: parameter.hasPrefix) || !parameter.contains("@")
        }
        guard !path.contains("@"), parameters.allSatisfy(hasNoAt) else {
            throw PostgresServer.Fault(description: "an @ stands where none can; \(Self.whatToWrite)")
        }
        guard path.count > 1 else {
            throw PostgresServer.Fault(description: "it names no database; \(Self.whatToWrite)")
        }
    }
}
