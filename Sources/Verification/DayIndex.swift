import Batch
import Lake
import MarketData
import Warehouse

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
    func inputs(of model: Model, on day: Day) -> Set<PublicationInput> {
        var inputs: Set<PublicationInput> = []
        for source in model.sources {
            for back in 0...model.reachDays {
                inputs.formUnion(bySource["\(source)"]?[day.adding(days: -back)] ?? [])
            }
        }
        return inputs
    }

    func days(of model: Model) -> [Day] {
        Set(model.sources.flatMap { bySource["\($0)"]?.keys.map { $0 } ?? [] }).sorted()
    }
}
