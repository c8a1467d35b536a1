import Foundation
import Lake

extension Setting {
    private static let standard = Configuration().storage

    static let stores: [Setting] =
        store(.raw, "raw objects are kept", "lake/")
        + store(.backup, "raw objects are backed up", "backup/")
        + store(.refined, "refined tables' files are kept", "refined/") + [
            duration(
                "storage.connect-timeout", "How long connecting to a store of another machine may take.",
                standard: standard.connectTimeout, in: .milliseconds(100) ... .seconds(300)
            ) { $0.storage.connectTimeout = $1 },
            duration(
                "storage.request-timeout",
                "After how long a request to S3 that moves no byte is given up, and after ten times as long a whole call to Google or Azure.",
                standard: standard.requestTimeout, in: .seconds(1) ... .seconds(600)
            ) { $0.storage.requestTimeout = $1 },
            integer(
                "storage.parallelism", "How many requests to such a store are under way at the same time.",
                standard: standard.parallelism, in: 1...25
            ) { $0.storage.parallelism = $1 },
        ]

    private static func store(
        _ name: Configuration.StoreName, _ what: String,
        _ folder: String
    ) -> [Setting] {
        [
            url(name, what, folder),
            endpoint(name),
            text(
                "storage.\(name.rawValue).region",
                "The bucket's region, where neither the environment nor S3 can tell.",
                standard: nil
            ) { $0.storage[name].region = $1 },
            secret(
                "storage.\(name.rawValue).access-key",
                "An S3 access key; without one, credentials come from the environment, shared files or the machine's role."
            ) { $0.storage[name].accessKey = $1 },
            secret(
                "storage.\(name.rawValue).secret-key", "What belongs to the access key; for abfs:// the account's key."
            ) { $0.storage[name].secretKey = $1 },
        ]
    }

    private static func url(
        _ name: Configuration.StoreName, _ what: String,
        _ folder: String
    ) -> Setting {
        Setting(
            path: "storage.\(name.rawValue).url", takes: "a folder, s3://bucket/prefix, gs://, abfs:// or file://",
            help: "Where \(what); without it, in the data folder's \(folder).", standard: nil,
            apply: { configuration, texts in
                guard let text = texts.first, texts.count == 1 else { return "takes one value, not a list" }
                guard !text.isEmpty else { return "is empty" }
                do throws(StoreAddressFault) {
                    configuration.storage[name].address = try StoreAddress(text)
                    return nil
                } catch {
                    return "\(error)"
                }
            }, isList: false, isSecret: true)
    }

    private static func endpoint(
        _ name: Configuration.StoreName
    ) -> Setting {
        Setting(
            path: "storage.\(name.rawValue).endpoint", takes: "http://host:port or https://host:port",
            help: "A server in place of the provider's own.", standard: nil,
            apply: { configuration, texts in
                guard let text = texts.first, texts.count == 1, let url = URLComponents(string: text),
                    ["http", "https"].contains(url.scheme), url.host?.isEmpty == false, url.user == nil,
                    url.password == nil, ["", "/"].contains(url.path)
                else { return "takes http://host:port or https://host:port" }
                configuration.storage[name].endpoint = text
                return nil
            }, isList: false, isSecret: true)
    }

    private static func secret(
        _ path: String, _ help: String, _ set: @escaping @Sendable (inout Configuration, String) -> Void
    ) -> Setting {
        Setting(
            path: path, takes: "text, never shown", help: help, standard: nil,
            apply: { configuration, texts in
                guard let text = texts.first, texts.count == 1, !text.isEmpty,
                    !text.unicodeScalars.contains(where: { $0.value < 0x21 || $0.value == 0x7f })
                else { return "takes one text without blanks" }
                set(&configuration, text)
                return nil
            }, isList: false, isSecret: true)
    }
}

extension ConfigurationReader {
    /// What only shows when the stores' settings are held against each other.
    mutating func checkStores() {
        let storage = configuration.storage
        for name in Configuration.StoreName.allCases {
            check(storage[name], at: "storage.\(name.rawValue)", isReadByEngine: name != .backup)
        }
        let (raw, backup) = (storage[.raw], storage[.backup])
        if let address = raw.address, address == backup.address, raw.endpoint == backup.endpoint {
            report("storage.backup.url", "is that of raw: what is lost there would be lost here")
        }
    }

    private mutating func check(_ place: Configuration.Place, at path: String, isReadByEngine: Bool) {
        guard let address = place.address, address.isRemote else {
            let given = [
                ("endpoint", place.endpoint), ("region", place.region), ("access-key", place.accessKey),
                ("secret-key", place.secretKey),
            ]
            for (name, value) in given where value != nil {
                report("\(path).\(name)", "goes with a \(path).url of another machine alone")
            }
            if let address = place.address, let character = address.bucket.first(where: { "*?[".contains($0) }) {
                report("\(path).url", "may not hold '\(character)', which DuckDB would take for a pattern of files")
            }
            return
        }
        if address.scheme != .azure, (place.accessKey == nil) != (place.secretKey == nil) {
            report("\(path).\(place.accessKey == nil ? "access-key" : "secret-key")", "is not given, and the other is")
        }
        guard isReadByEngine else { return }
        switch address.scheme {
        case .azure: report("\(path).url", "is on Azure, which DuckDB does not read here; storage.backup.url may be")
        case .gcs where place.accessKey == nil:
            report(
                "\(path).access-key", "is not given: DuckDB reads gs:// with the HMAC keys of a service account alone")
        default: break
        }
    }
}
