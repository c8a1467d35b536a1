import Batch
import Lake
import MarketData
import Warehouse

/// Computes published days again from their recorded inputs, and compares.
struct Recomputing {
    private let engine: DuckDB
    private let models: Models
    private let objects: [String: LedgerObject]
    private let publications: [String: PublishedDay]

    init(engine: DuckDB, models: Models, objects: [LedgerObject], _ publications: [PublishedDay]) {
        self.engine = engine
        self.models = models
        self.objects = Dictionary(objects.map { ($0.announcement.key, $0) }) { first, _ in first }
        self.publications = Dictionary(publications.map { ($0.inputName, $0) }) { first, _ in first }
    }

    func audit(
        _ published: PublishedDay, _ model: Model, _ inputs: [PublicationInput],
        into report: inout VerificationReport
    ) async {
        let place = "\(published.model) \(published.day)"
        let files: [TableName: [String]]
        switch locations(of: inputs, model) {
        case .success(let found): files = found
        case .failure(let gone):
            return report.unproven(.refined, place, "cannot be computed again: \(gone.input) is no longer current")
        }
        do throws(CatalogError) {
            let outcome = try await Recomputation(
                model: model, of: models, day: published.day, inputs: files, published: published.path
            ).run(on: engine)
            switch outcome {
            case .otherDefinition(let definition):
                report.unproven(.refined, place, "was computed by the model's definition \(definition), not today's")
            case .compared(let difference) where difference.isEmpty: break
            case .compared(let difference):
                report.fault(
                    .refined, place, "computed again it differs: \(difference); \(published.whatToDo)")
            }
        } catch {
            report.fault(.refined, place, "cannot be computed again: \(error.cause)")
        }
    }

    private struct Gone: Error { let input: String }

    /// By source, where the recorded inputs are; a failure where an upstream version is no longer the current one.
    private func locations(of inputs: [PublicationInput], _ model: Model) -> Result<[TableName: [String]], Gone> {
        var files: [TableName: [String]] = Dictionary(model.sources.map { ($0, []) }) { first, _ in first }
        for input in inputs {
            if let object = objects[input.name], let dataset = Datasets.named(object.announcement.dataset),
                let table = TableName("raw.\(dataset.table)")
            {
                // A compacted file holds several objects that have expired.
                let location = object.expiredInto ?? object.location
                if files[table]?.contains(location) != true { files[table, default: []].append(location) }
            } else if let upstream = publications[input.name], let table = TableName(upstream.model) {
                if let path = upstream.path { files[table, default: []].append(path) }
            } else {
                return .failure(Gone(input: input.name))
            }
        }
        return .success(files)
    }
}
