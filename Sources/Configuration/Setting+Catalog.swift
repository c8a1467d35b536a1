import Warehouse

extension Setting {
    /// Where the catalog's metadata are.
    static let catalogMetadata: [Setting] = [
        Setting(
            path: "catalog.metadata", takes: "sqlite, or postgresql://USER@HOST:PORT/DATABASE",
            help: "Where the catalog's metadata are: in a file of the data folder, or in a PostgreSQL database, for"
                + " processes of several machines.", standard: "sqlite",
            apply: { configuration, texts in
                guard let text = texts.first, texts.count == 1 else { return "takes one value, not a list" }
                do throws(PostgresServer.Fault) {
                    if text != "sqlite" { _ = try PostgresServer(uri: text) }
                } catch {
                    return "takes sqlite, or postgresql://USER@HOST:PORT/DATABASE: \(error)"
                }
                configuration.catalog.metadata = text == "sqlite" ? nil : text
                return nil
            }, isList: false, isSecret: true),
        Setting(
            path: "catalog.schema", takes: "a name of a-z, 0-9 and _",
            help: "The schema of the PostgreSQL database that the metadata are in.", standard: "pregao",
            apply: { configuration, texts in
                guard let text = texts.first, texts.count == 1 else { return "takes one value, not a list" }
                guard (try? PostgresServer(uri: "postgresql:///any", schema: text)) != nil else {
                    return "takes a name of a-z, 0-9 and _, at most 40 letters long, not '\(text)'"
                }
                configuration.catalog.schema = text
                return nil
            }, isList: false),
        Setting(
            path: "catalog.password", takes: "text",
            help: "The PostgreSQL user's password; without it, PGPASSWORD or ~/.pgpass.", standard: nil,
            apply: { configuration, texts in
                guard let text = texts.first, texts.count == 1 else { return "takes one value, not a list" }
                configuration.catalog.password = text
                return nil
            }, isList: false, isSecret: true),
    ]
}

extension Configuration.Catalog {
    /// The PostgreSQL database that the metadata are in; nil where they are in SQLite.
    public var server: PostgresServer? {
        metadata.flatMap { try? PostgresServer(uri: $0, schema: schema, password: password) }
    }
}
