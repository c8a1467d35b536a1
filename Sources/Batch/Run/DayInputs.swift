import MarketData
import Warehouse

/// What a run of one day reads, and what it replaces, as one snapshot of the catalog has it.
struct DayInputs: Sendable {
    let model: Model
    let models: Models
    let day: Day
    private let snapshot: InputSnapshot
    /// The day as published before this run.
    private let published: PublishedDay?

    static func take(for model: Model, of models: Models, day: Day, catalog: Catalog) async throws(CatalogError)
        -> DayInputs
    {
        // The model is among its own sources here, so that the same snapshot tells what it has published.
        let snapshot = try await catalog.inputs(
            for: model.name, sources: model.sources.map(\.description) + [model.name],
            days: day.adding(days: -model.reachDays)...day)
        return DayInputs(model: model, models: models, day: day, snapshot: snapshot)
    }

    private init(model: Model, models: Models, day: Day, snapshot: InputSnapshot) {
        self.model = model
        self.models = models
        self.day = day
        self.snapshot = snapshot
        published = snapshot.publications.first { $0.model == model.name && $0.day == day }
    }

    /// Objects of these days that were refused: the day is not to be published until they are replayed.
    var refused: [String] { snapshot.refused.map { "\($0.key) is refused: \($0.reason)" } }

    var nextVersion: Int64 { (published?.version ?? 0) + 1 }

    private var upstream: [PublishedDay] { snapshot.publications.filter { $0.model != model.name } }

    /// The SQL of the run. Windows are computed only where the published day is of the same definition; of the raw
    /// files, those are read that can hold a row of the windows.
    func script(extent: BatchSchedule.Work.Extent) -> ModelScript {
        guard case .windows(let range) = extent, model.window != nil, let path = published?.path,
            RefinedFileName.definition(inPath: path) == model.definition
        else { return ModelScript(model: model, of: models, day: day, files: files { _ in true }) }
        return ModelScript(
            model: model, of: models, day: day,
            files: files { $0.first < range.upperBound && $0.last >= range.lowerBound },
            extent: .windows(range, published: path))
    }

    private func files(where isRead: (InputSnapshot.Object) -> Bool) -> [TableName: [String]] {
        var files: [TableName: [String]] = [:]
        for source in model.sources {
            // An object that holds two of the days comes once for each.
            var seen: Set<String> = []
            files[source] =
                snapshot.objects.filter { $0.source == source.description && isRead($0) }.map(\.location).filter {
                    seen.insert($0).inserted
                } + upstream.filter { $0.model == source.description }.compactMap(\.path)
        }
        return files
    }

    func publication(of file: Publication.File?) -> Publication {
        let objects = Dictionary(snapshot.objects.map { ($0.key, $0.sha256) }) { first, _ in first }
        let inputs =
            objects.sorted { $0.key < $1.key }.map { PublicationInput(name: $0.key, sha256: $0.value) }
            + upstream.map { PublicationInput(name: $0.inputName, sha256: $0.sha256) }
        return Publication(
            model: model.name, day: day, basedOn: published?.version, sequence: snapshot.sequence, file: file,
            inputs: inputs)
    }
}
