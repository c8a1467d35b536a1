import MarketData
import Runtime

/// A day of a model, computed.
public struct Publication: Hashable, Sendable {
    public struct File: Hashable, Sendable {
        /// How the engine names it: an absolute path or a URI. Written once, never changed.
        public let location: String
        public let size: Int64
        public let sha256: String
        public let rows: Int64

        public init(location: String, size: Int64, sha256: String, rows: Int64) {
            self.location = location
            self.size = size
            self.sha256 = sha256
            self.rows = rows
        }
    }

    public let model: String
    public let day: Day
    /// The published version that the run started from; nil where there was none.
    public let basedOn: Int64?
    /// The sequence of the snapshot that it was computed from.
    public let sequence: Int64
    /// nil where the day has no row.
    public let file: File?
    public let inputs: [PublicationInput]

    public init(
        model: String, day: Day, basedOn: Int64?, sequence: Int64, file: File?, inputs: [PublicationInput]
    ) {
        self.model = model
        self.day = day
        self.basedOn = basedOn
        self.sequence = sequence
        self.file = file
        self.inputs = inputs
    }
}

public enum PublicationOutcome: Hashable, Sendable {
    case published(version: Int64)
    /// Another run has published the day since this one started; nothing of this one was done.
    case discarded(current: Int64?)
}

extension Catalog {
    /// Publishes computed days in one transaction: where a day's version is still the one the run started from, its
    /// rows are replaced, its inputs recorded, its dirt up to the run's snapshot cleared, and the models that read it
    /// made dirty.
    ///
    /// A published file that is lost or damaged does not stop its replacement: see ``unreadableFiles(replacedBy:)``.
    ///
    /// - Returns: an outcome for each, in order; one that is discarded does not stop the others.
    public func publish(_ publications: [Publication]) async throws(CatalogError) -> [PublicationOutcome] {
        guard let first = publications.first else { return [] }
        for publication in publications { try publication.check() }
        let doing =
            "publish \(first.model) of \(first.day)"
            + (publications.count > 1 ? " and \(publications.count - 1) more" : "")
        do throws(CatalogError) {
            return try await publish(publications, unreadable: [], doing)
        } catch  where [.sql, .unavailable, .engine].contains(error.kind) {
            let unreadable = try await unreadableFiles(replacedBy: publications)
            guard !unreadable.isEmpty else { throw error }
            logger.warning(
                "published files cannot be read; their tables are made again from the others",
                ["files": unreadable.sorted().joined(separator: " "), "error": error])
            return try await publish(publications, unreadable: unreadable, doing)
        }
    }

    /// - Parameter unreadable: published files that are lost or damaged.
    private func publish(_ publications: [Publication], unreadable: Set<String>, _ doing: String)
        async throws(CatalogError) -> [PublicationOutcome]
    {
        try await transaction(doing) { transaction throws(CatalogError) in
            var current = try transaction.currentVersions(of: publications)
            var outcomes: [PublicationOutcome] = []
            var changes: [Transaction.SourceChange] = []
            var remade: Set<String> = []
            let accepted = publications.filter { current[$0.key]?.version == $0.basedOn }.map(\.key)
            for publication in publications {
                let key = publication.key
                let present = current[key]
                guard present?.version == publication.basedOn else {
                    outcomes.append(.discarded(current: present?.version))
                    continue
                }
                let version = (present?.version ?? 0) + 1
                let times = try transaction.clearDirt(of: key, upTo: publication.sequence)
                if !unreadable.isEmpty, remade.insert(publication.model).inserted {
                    try transaction.remakeTable(
                        of: publication.model, without: unreadable, publishing: Set(accepted))
                }
                let isGone = present?.path.map(unreadable.contains) ?? false
                try transaction.swapRows(publication, replacing: isGone ? nil : present)
                current[key] = try transaction.record(publication, version: version)
                changes.append(
                    .init(source: key.model, day: key.day, times: times ?? ChangedTimes(all: key.day)))
                outcomes.append(.published(version: version))
            }
            guard !changes.isEmpty else { return .abandon(outcomes) }
            try transaction.passOn(changes)
            return .commit(outcomes)
        }
    }
}

extension Publication {
    fileprivate var key: ModelDay { ModelDay(model: model, day: day) }

    fileprivate func check() throws(CatalogError) {
        _ = try TableName(ofModel: model)
        guard let file, SQL.hasWildcard(file.location) else { return }
        throw CatalogError(
            .refused, doing: "publish \(model) of \(day)", cause: "the location \(file.location) holds a wildcard")
    }
}

extension Transaction {
    fileprivate mutating func currentVersions(of publications: [Publication]) throws(CatalogError)
        -> [ModelDay: PublishedDay]
    {
        let days = publications.map { ModelDay(model: $0.model, day: $0.day) }
        let rows = try run(
            """
            SELECT \(PublishedDay.columns) FROM lake.pregao.publications
            WHERE \(SQL.ledger(ofModelDays: days))
            """)
        var current: [ModelDay: PublishedDay] = [:]
        for row in rows {
            let day = try PublishedDay(row: row)
            current[ModelDay(model: day.model, day: day.day)] = day
        }
        return current
    }

    /// - Returns: the times inside which the published change lies; nil where the day was not dirty.
    fileprivate mutating func clearDirt(of key: ModelDay, upTo sequence: Int64) throws(CatalogError) -> ChangedTimes? {
        let which = SQL.ledger(ofModelDays: [key])
        let rows = try run("SELECT \(Dirt.columns) FROM lake.pregao.dirt WHERE \(which)")
        guard let row = rows.first else { return nil }
        let dirt = try Dirt(row: row)
        if dirt.sequence <= sequence { try run("DELETE FROM lake.pregao.dirt WHERE \(which)") }
        return ChangedTimes(first: dirt.first, last: dirt.last)
    }

    fileprivate mutating func swapRows(_ publication: Publication, replacing present: PublishedDay?)
        throws(CatalogError)
    {
        let name = try TableName(ofModel: publication.model)
        // The same file again: its rows are in the table. To remove and add one file in one transaction would leave
        // DuckLake thinking that it may be deleted.
        if let file = publication.file, file.location == present?.path { return }
        var statements: [String] = []
        if present?.path != nil {
            statements.append("DELETE FROM \(name.sql) WHERE trading_day = \(SQL.literal(publication.day));")
        }
        if let file = publication.file {
            statements.append(SQL.addFile(file.location, toTable: name.table, inSchema: name.schema))
        }
        if !statements.isEmpty { try run(statements.joined(separator: "\n")) }
    }

    fileprivate mutating func record(_ publication: Publication, version: Int64) throws(CatalogError) -> PublishedDay {
        let which = SQL.ledger(ofModelDays: [ModelDay(model: publication.model, day: publication.day)])
        let published = PublishedDay(
            model: publication.model, day: publication.day, version: version, sequence: publication.sequence,
            rows: publication.file?.rows ?? 0, path: publication.file?.location, size: publication.file?.size ?? 0,
            sha256: publication.file?.sha256 ?? "", publishedAt: now)
        let key = "\(SQL.literal(publication.model)), \(SQL.literal(publication.day)), \(version)"
        var statements = """
            DELETE FROM lake.pregao.publications WHERE \(which);
            DELETE FROM lake.pregao.publication_inputs WHERE \(which);
            INSERT INTO lake.pregao.publications VALUES (\(key), \(published.sequence), \(published.rows),
                \(SQL.literal(published.path)), \(published.size), \(SQL.literal(published.sha256)),
                \(SQL.literal(published.publishedAt)));
            """
        if !publication.inputs.isEmpty {
            let inputs = publication.inputs.map { "(\(key), \(SQL.literal($0.name)), \(SQL.literal($0.sha256)))" }
            statements +=
                "\nINSERT INTO lake.pregao.publication_inputs VALUES \(inputs.joined(separator: ", "));"
        }
        try run(statements)
        return published
    }
}
