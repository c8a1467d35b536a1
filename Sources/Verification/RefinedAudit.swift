import Batch
import Lake
import MarketData
import Warehouse

/// Holds each published day against the inputs that it should have been made of, and its file against what was
/// published.
struct RefinedAudit {
    let catalog: Catalog
    let engine: DuckDB
    let models: Models
    let snapshot: Int64
    let scope: VerificationScope
    /// The files' bytes, by location.
    let read: @Sendable (String) async -> [UInt8]?
    let objects: [LedgerObject]

    func audit(into report: inout VerificationReport) async throws(CatalogError) {
        let publications = try await catalog.publications(snapshot: snapshot)
        let byName = Dictionary(publications.map { ($0.inputName, $0) }) { first, _ in first }
        let dirty = Set(try await catalog.dirt(snapshot: snapshot).map { Place(model: $0.model, day: $0.day) })
        let days = DayIndex(objects: objects, publications: publications)
        for published in publications where published.day >= scope.since ?? published.day {
            report.checked(.refined, 1)
            await auditFile(of: published, into: &report)
            let place = Place(model: published.model, day: published.day)
            guard let model = models[named: published.model] else {
                report.unproven(.refined)
                continue
            }
            let inputs = try await catalog.publicationInputs(
                model: published.model, day: published.day, snapshot: snapshot)
            if dirty.contains(place) {
                report.pending(.refined)
            } else {
                auditInputs(of: published, model, inputs, days, into: &report)
            }
            if scope.deep { try await recompute(published, model, inputs, byName, into: &report) }
        }
        try await auditTables(publications, into: &report)
        auditUnpublished(publications, dirty, days, into: &report)
    }

    private struct Place: Hashable {
        let model: String
        let day: Day
    }

    private func fault(_ published: PublishedDay, _ message: String, into report: inout VerificationReport) {
        report.fault(.refined, "\(published.model) \(published.day)", message)
    }

    private func auditFile(of published: PublishedDay, into report: inout VerificationReport) async {
        guard let path = published.path else { return }
        guard let bytes = await read(path) else {
            return fault(published, "its file \(path) is missing", into: &report)
        }
        if Int64(bytes.count) != published.size {
            fault(published, "\(path) has \(bytes.count) bytes, where \(published.size) were published", into: &report)
        } else if scope.full || scope.deep, SHA256.hexadecimal(of: bytes) != published.sha256 {
            fault(published, "the content of \(path) is not what was published", into: &report)
        }
    }

    private func auditInputs(
        of published: PublishedDay, _ model: Model, _ inputs: [PublicationInput], _ days: DayIndex,
        into report: inout VerificationReport
    ) {
        let expected = Set(days.inputs(of: model, on: published.day))
        let recorded = Set(inputs)
        for missing in expected.subtracting(recorded).map(\.name).sorted() {
            fault(published, "was made without \(missing), and is not dirty", into: &report)
        }
        for stranger in recorded.subtracting(expected).map(\.name).sorted() {
            fault(
                published, "was made with \(stranger), which is not that day's, or not with these bytes", into: &report)
        }
    }

    private func recompute(
        _ published: PublishedDay, _ model: Model, _ inputs: [PublicationInput], _ byName: [String: PublishedDay],
        into report: inout VerificationReport
    ) async throws(CatalogError) {
        guard let path = published.path else { return }
        guard let files = files(of: inputs, model, byName) else { return report.unproven(.refined) }
        do throws(CatalogError) {
            let outcome = try await Recomputation(
                model: model, of: models, day: published.day, inputs: files, published: path
            ).run(on: engine)
            switch outcome {
            case .otherDefinition: report.unproven(.refined)
            case .compared(let difference) where difference.isEmpty: break
            case .compared(let difference):
                let sample = [difference.missingSample, difference.surplusSample].compactMap { $0 }.joined(
                    separator: "; ")
                fault(
                    published,
                    "computed again it differs: \(difference.missing) rows missing, \(difference.surplus) too many; \(sample)",
                    into: &report)
            }
        } catch {
            fault(published, "cannot be computed again: \(error.cause)", into: &report)
        }
    }

    /// By source, where the recorded inputs are; nil where an upstream version is no longer the current one.
    private func files(of inputs: [PublicationInput], _ model: Model, _ byName: [String: PublishedDay])
        -> [TableName: [String]]?
    {
        let locations = Dictionary(objects.map { ($0.announcement.key, $0) }) { first, _ in first }
        var files: [TableName: [String]] = Dictionary(uniqueKeysWithValues: model.sources.map { ($0, []) })
        for input in inputs {
            if let object = locations[input.name], let dataset = Datasets.named(object.announcement.dataset),
                let table = TableName("raw.\(dataset.table)")
            {
                files[table, default: []].append(object.location)
            } else if let upstream = byName[input.name], let table = TableName(upstream.model) {
                if let path = upstream.path { files[table, default: []].append(path) }
            } else {
                return nil
            }
        }
        return files
    }

    /// Each refined table reads exactly the published files.
    private func auditTables(_ publications: [PublishedDay], into report: inout VerificationReport)
        async throws(CatalogError)
    {
        for model in models.inOrder {
            let files = try await catalog.files(
                ofTable: model.table.table, inSchema: model.table.schema, snapshot: snapshot)
            let expected = Set(publications.filter { $0.model == model.name }.compactMap(\.path))
            for stranger in Set(files).subtracting(expected).sorted() {
                report.fault(.refined, model.name, "reads \(stranger), which is not published")
            }
            for missing in expected.subtracting(files).sorted() {
                report.fault(.refined, model.name, "does not read \(missing), which is published")
            }
            if Set(files).count != files.count { report.fault(.refined, model.name, "reads a file twice") }
            let rows = try await catalog.rows(
                "SELECT count(*) AS n FROM lake.\(SQL.identifier(model.table.schema)).\(SQL.identifier(model.table.table))",
                snapshot: snapshot)
            let published = publications.filter { $0.model == model.name }.reduce(0) { $0 + $1.rows }
            if let counted = rows.first?.integer("n"), counted != published {
                report.fault(.refined, model.name, "has \(counted) rows, where \(published) were published")
            }
        }
    }

    /// A day that has inputs is published, or dirty and so on its way.
    private func auditUnpublished(
        _ publications: [PublishedDay], _ dirty: Set<Place>, _ days: DayIndex, into report: inout VerificationReport
    ) {
        let published = Set(publications.map { Place(model: $0.model, day: $0.day) })
        for model in models.inOrder {
            for day in days.days(of: model) where day >= scope.since ?? day {
                let place = Place(model: model.name, day: day)
                guard !published.contains(place) else { continue }
                if dirty.contains(place) {
                    report.pending(.refined)
                } else {
                    report.fault(.refined, "\(model.name) \(day)", "has inputs, is not published, and is not dirty")
                }
            }
        }
    }
}

/// Which inputs each day of each source has.
struct DayIndex {
    private var bySource: [String: [Day: [PublicationInput]]] = [:]

    init(objects: [LedgerObject], publications: [PublishedDay]) {
        for object in objects where object.status == .registered {
            guard let dataset = Datasets.named(object.announcement.dataset) else { continue }
            let input = PublicationInput(name: object.announcement.key, sha256: object.announcement.sha256)
            for content in object.announcement.days {
                bySource["raw.\(dataset.table)", default: [:]][content.day, default: []].append(input)
            }
        }
        for published in publications {
            let input = PublicationInput(name: published.inputName, sha256: published.sha256)
            bySource[published.model, default: [:]][published.day, default: []].append(input)
        }
    }

    /// The day's inputs, and those of the days before it that the model's rows can see.
    func inputs(of model: Model, on day: Day) -> [PublicationInput] {
        model.sources.flatMap { source in
            (0...model.reachDays).flatMap { bySource["\(source)"]?[day.adding(days: -$0)] ?? [] }
        }
    }

    func days(of model: Model) -> [Day] {
        Set(model.sources.flatMap { bySource["\($0)"]?.keys.map { $0 } ?? [] }).sorted()
    }
}
