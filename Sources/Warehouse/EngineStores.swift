import Lake

/// The stores of other machines that the engine reads, and how it is let in.
///
/// The credentials are those that the next request of ours would be signed with, asked for anew for each of the engine's
/// processes, since they may be temporary. They reach it on its standard input alone, and live in its memory: DuckDB
/// shows them in no answer ("redacted").
public struct EngineStores: Sendable {
    private let stores: [RemoteObjectStore]

    public init(_ stores: [RemoteObjectStore] = []) { self.stores = stores }

    /// The statements that let a process in; nothing where there is no such store. Their answers go nowhere.
    func statements(loading httpfs: String) async throws(CatalogError) -> String {
        guard let first = stores.first else { return "" }
        var statements = [
            ".output /dev/null", httpfs, "SET allow_persistent_secrets = false;",
            "SET http_timeout = \(max(1, Int(first.settings.requestTimeout / .seconds(1))));",
            "SET http_retries = 1;",
        ]
        if let certificates = RemoteObjectStore.certificates {
            statements.append("SET ca_cert_file = \(SQL.literal(certificates));")
        }
        for (number, store) in stores.enumerated() { statements.append(try await secret(of: store, number)) }
        return statements.joined(separator: "\n") + "\n.output\n"
    }

    private func secret(of store: RemoteObjectStore, _ number: Int) async throws(CatalogError) -> String {
        let credentials: StoreCredentials
        do throws(StoreError) { credentials = try await store.credentials() } catch {
            throw CatalogError(.unavailable, doing: error.doing, cause: error.cause)
        }
        let settings = store.settings
        var options = ["TYPE \(settings.address.scheme == .gcs ? "gcs" : "s3")"]
        options += Self.options([
            ("KEY_ID", credentials.accessKey), ("SECRET", credentials.secretKey),
            ("SESSION_TOKEN", credentials.sessionToken), ("REGION", credentials.region),
            ("SCOPE", store.location(of: "")),
        ])
        if let endpoint = settings.endpoint, let separator = endpoint.firstRange(of: "://") {
            let host = endpoint[separator.upperBound...].prefix { $0 != "/" }
            options += ["ENDPOINT \(SQL.literal(String(host)))", "URL_STYLE 'path'"]
            options.append("USE_SSL \(endpoint.hasPrefix("https") ? "true" : "false")")
        }
        // An option a line: a message that quotes the line of an error shows no other.
        return "CREATE SECRET store_\(number) (\n\(options.joined(separator: ",\n"))\n);"
    }

    private static func options(_ pairs: [(name: String, value: String)]) -> [String] {
        pairs.filter { !$0.value.isEmpty }.map { "\($0.name) \(SQL.literal($0.value))" }
    }
}
