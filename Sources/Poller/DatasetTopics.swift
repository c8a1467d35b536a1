import EventLog
import MarketData

/// The topics that the poller writes to.
enum DatasetTopics {
    /// Declares those that no one has; their partitions and retention are the settings' of whoever set the log up.
    static func declareMissing(in log: any EventLog) async throws(LogError) {
        let known = Set(try await log.topics().map(\.name))
        for dataset in [Datasets.quotes, Datasets.gaps, Datasets.bars, Datasets.runs]
        where !known.contains(dataset.topic) {
            try await log.declare(
                TopicDeclaration(
                    name: dataset.topic, partitions: 1, retention: Retention(.delete(age: nil, bytes: nil))))
        }
    }
}
