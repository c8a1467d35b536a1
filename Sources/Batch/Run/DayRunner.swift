import MarketData
import Runtime
import Warehouse

/// Takes one day of a model from its inputs in the catalog to its publication.
struct DayRunner: Sendable {
    let models: Models
    let catalog: Catalog
    let engine: DuckDB
    let folder: RefinedFolder

    func run(_ model: Model, day: Day, extent: BatchSchedule.Work.Extent) async -> RunReport {
        let start = ContinuousClock.now
        var progress = Progress()
        let outcome: RunReport.Outcome
        do throws(BatchError) {
            outcome = try await run(model, day: day, extent: extent, progress: &progress)
        } catch {
            outcome = .notDone(error)
        }
        return RunReport(
            model: model.name, day: day, outcome: outcome, rows: progress.rows, files: progress.files,
            isByWindows: progress.isByWindows, seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    private struct Progress {
        var rows: Int64?
        var files = 0
        var isByWindows = false
    }

    private func run(
        _ model: Model, day: Day, extent: BatchSchedule.Work.Extent, progress: inout Progress
    ) async throws(BatchError) -> RunReport.Outcome {
        let inputs = try await catalogAnswer("read the inputs of \(model.name)@\(day)") { () throws(CatalogError) in
            try await DayInputs.take(for: model, of: models, day: day, catalog: catalog)
        }
        guard inputs.refused.isEmpty else { return .checksFailed(inputs.refused) }
        let script = inputs.script(extent: extent)
        progress.files = script.files.values.reduce(0) { $0 + $1.count }
        if case .windows = script.extent { progress.isByWindows = true }
        let temporary = try folder.newTemporary()
        defer { folder.discard(temporary) }
        switch try await DayComputation(script: script, engine: engine, path: temporary).run() {
        case .checksFailed(let failures):
            return .checksFailed(failures)
        case .computed(let rows):
            progress.rows = rows
            let file = try await place(temporary, rows: rows, inputs)
            return try await publish(inputs.publication(of: file))
        }
    }

    /// - Returns: nil where the day has no row, and so needs no file.
    private func place(_ temporary: String, rows: Int64, _ inputs: DayInputs) async throws(BatchError)
        -> Publication.File?
    {
        guard rows > 0 else { return nil }
        let file = try await folder.place(
            temporary, model: inputs.model, day: inputs.day, version: inputs.nextVersion)
        return Publication.File(location: file.location, size: file.size, sha256: file.sha256, rows: rows)
    }

    private func publish(_ publication: Publication) async throws(BatchError) -> RunReport.Outcome {
        let outcomes = try await catalogAnswer("publish \(publication.model)@\(publication.day)") {
            () throws(CatalogError) in try await catalog.publish([publication])
        }
        Waypoint.batchPublished.reached()
        switch outcomes.first {
        case .published(let version): return .published(version: version)
        case .discarded, nil: return .discarded
        }
    }

    private func catalogAnswer<Answer>(
        _ doing: String, _ ask: () async throws(CatalogError) -> Answer
    ) async throws(BatchError) -> Answer {
        do throws(CatalogError) { return try await ask() } catch {
            throw BatchError(.catalog, doing: doing, cause: "\(error.doing): \(error.cause)")
        }
    }
}
