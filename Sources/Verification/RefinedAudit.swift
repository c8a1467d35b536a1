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
    let read: @Sendable (String) async throws(StoreError) -> [UInt8]?
    let objects: [LedgerObject]

    private struct Place: Hashable {
        let model: String
        let day: Day
    }

    func audit(into report: inout VerificationReport) async throws(CatalogError) {
        let publications = try await catalog.publications(snapshot: snapshot)
        let declared = try await declaredModels()
        let dirty = Set(try await catalog.dirt(snapshot: snapshot).map { Place(model: $0.model, day: $0.day) })
        let days = DayIndex(objects: objects, publications: publications)
        let inScope = publications.filter { $0.day >= scope.since ?? $0.day }
        report.checked(.refined, Int64(inScope.count))
        for published in inScope { await auditFile(of: published, into: &report) }
        for (name, ofModel) in Dictionary(grouping: inScope, by: \.model).sorted(by: { $0.key < $1.key }) {
            guard let model = models[named: name], declared.contains(name) else {
                report.unproven(.refined, name, "no model of this program computes it")
                continue
            }
            try await audit(ofModel, of: model, publications, dirty, days, into: &report)
        }
        let tables = RefinedTables(catalog: catalog, snapshot: snapshot, scope: scope)
        for model in models.inOrder where declared.contains(model.name) {
            await tables.audit(model, publications.filter { $0.model == model.name }, into: &report)
        }
        auditUnpublished(publications, declared, dirty, days, into: &report)
        for failed in try await catalog.failedRuns(snapshot: snapshot) where failed.day >= scope.since ?? failed.day {
            report.unproven(.refined, "\(failed.model) \(failed.day)", "could not be published: \(failed.reason)")
        }
    }

    /// The models that a batch has declared: one that is new to the program has no table before.
    private func declaredModels() async throws(CatalogError) -> Set<String> {
        let rows = try await catalog.rows("SELECT DISTINCT model FROM lake.pregao.models", snapshot: snapshot)
        return Set(rows.compactMap { $0.text("model") })
    }

    private func fault(_ published: PublishedDay, _ message: String, into report: inout VerificationReport) {
        report.fault(.refined, "\(published.model) \(published.day)", message)
    }

    private func auditFile(of published: PublishedDay, into report: inout VerificationReport) async {
        guard let path = published.path else {
            if published.rows != 0 {
                fault(published, "\(published.rows) rows were published without a file", into: &report)
            }
            return
        }
        let bytes: [UInt8]
        do throws(StoreError) {
            guard let found = try await read(path) else {
                return fault(published, "its file \(path) is missing; \(published.whatToDo)", into: &report)
            }
            bytes = found
        } catch {
            return fault(published, "\(error)", into: &report)
        }
        if Int64(bytes.count) != published.size {
            fault(
                published,
                "\(path) has \(bytes.count) bytes, where \(published.size) were published; \(published.whatToDo)",
                into: &report)
        } else if scope.full || scope.deep, SHA256.hexadecimal(of: bytes) != published.sha256 {
            fault(
                published, "the content of \(path) is not what was published; \(published.whatToDo)", into: &report)
        }
    }

    // MARK: - Inputs

    private func audit(
        _ published: [PublishedDay], of model: Model, _ all: [PublishedDay], _ dirty: Set<Place>, _ days: DayIndex,
        into report: inout VerificationReport
    ) async throws(CatalogError) {
        let recomputing = scope.deep ? Recomputing(engine: engine, models: models, objects: objects, all) : nil
        var page: [PublishedDay] = []
        var size = 0
        for (index, day) in published.enumerated() {
            page.append(day)
            size += days.inputs(of: model, on: day.day).count
            // The engine answers a page in one run; this many rows of JSON are some megabytes.
            guard size >= 20_000 || index == published.count - 1 else { continue }
            let recorded = try await recordedInputs(of: page)
            for published in page {
                let inputs = recorded[published.day] ?? []
                auditInputs(of: published, model, inputs, dirty, days, into: &report)
                await recomputing?.audit(published, model, inputs, into: &report)
            }
            page = []
            size = 0
        }
    }

    /// - Parameter page: days of one model in ascending order.
    private func recordedInputs(of page: [PublishedDay]) async throws(CatalogError) -> [Day: [PublicationInput]] {
        guard let first = page.first, let last = page.last else { return [:] }
        let versions = Dictionary(page.map { ($0.day, $0.version) }) { first, _ in first }
        let rows = try await catalog.rows(
            """
            SELECT trading_day, version, input, sha256 FROM lake.pregao.publication_inputs
            WHERE model = \(SQL.literal(first.model))
                AND trading_day BETWEEN \(SQL.literal(first.day)) AND \(SQL.literal(last.day))
            ORDER BY trading_day, input
            """, snapshot: snapshot)
        var inputs: [Day: [PublicationInput]] = [:]
        for row in rows {
            guard let day = row.day("trading_day"), row.integer("version") == versions[day],
                let name = row.text("input"), let sha256 = row.text("sha256")
            else { continue }
            inputs[day, default: []].append(PublicationInput(name: name, sha256: sha256))
        }
        return inputs
    }

    private func auditInputs(
        of published: PublishedDay, _ model: Model, _ inputs: [PublicationInput], _ dirty: Set<Place>,
        _ days: DayIndex, into report: inout VerificationReport
    ) {
        guard !dirty.contains(Place(model: published.model, day: published.day)) else {
            return report.pending(.refined)
        }
        if let definition = published.path.flatMap(RefinedFileName.definition(inPath:)),
            definition != model.definition
        {
            return report.unproven(
                .refined, "\(published.model) \(published.day)", "was computed by another definition of the model")
        }
        let expected = days.inputs(of: model, on: published.day)
        let recorded = Set(inputs)
        if recorded.count != inputs.count { fault(published, "has an input recorded twice", into: &report) }
        for missing in expected.subtracting(recorded).map(\.name).sorted() {
            fault(published, "was made without \(missing), and is not dirty", into: &report)
        }
        for stranger in recorded.subtracting(expected).map(\.name).sorted() {
            fault(
                published, "was made with \(stranger), which is not that day's, or not with these bytes", into: &report)
        }
    }

    /// A day that has inputs is published, or dirty and so on its way, as is one that reads another on its way.
    private func auditUnpublished(
        _ publications: [PublishedDay], _ declared: Set<String>, _ dirty: Set<Place>, _ days: DayIndex,
        into report: inout VerificationReport
    ) {
        let published = Set(publications.map { Place(model: $0.model, day: $0.day) })
        var awaited: Set<Place> = []
        for model in models.inOrder {
            // After a rebuild of the catalog nothing is published, and the first model's days are the next one's inputs.
            let upstream = awaited.filter { place in model.sources.contains { "\($0)" == place.model } }.map(\.day)
            var undeclared = 0
            for day in Set(days.days(of: model)).union(upstream).sorted() where day >= scope.since ?? day {
                let place = Place(model: model.name, day: day)
                guard !published.contains(place) else { continue }
                if !declared.contains(model.name) { undeclared += 1 }
                if dirty.contains(place) || !declared.contains(model.name) || upstream.contains(day) {
                    awaited.insert(place)
                    report.pending(.refined)
                } else {
                    report.fault(.refined, "\(model.name) \(day)", "has inputs, is not published, and is not dirty")
                }
            }
            // Nothing is dirty for a model that the catalog does not know: where no batch runs, its days never come.
            guard undeclared > 0 else { continue }
            report.unproven(
                .refined, model.name,
                "is not declared in the catalog, so that \(undeclared) days of its sources wait: a batch declares it, "
                    + "as 'pregao batch --once' does")
        }
    }
}

extension PublishedDay {
    /// What brings a day back whose file is lost or wrong.
    var whatToDo: String { "see 'pregao batch --once --force --day \(day)'" }
}
