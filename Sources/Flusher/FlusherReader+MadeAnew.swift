import EventLog
import Lake
import MarketData
import Runtime

extension FlusherReader {
    /// Refuses partitions in which the store has objects beyond their end: their topic was deleted and made anew, so that
    /// offsets are given out again whose names, and ranges in the ledger, are taken.
    ///
    /// Asked of partitions that the group has no position in, since a cluster forgets positions with their topic.
    func refuseMadeAnew(_ partitions: Set<TopicPartition>) async throws(LogError) {
        var attempt = 0
        while !shutdown.isRequested, !Task.isCancelled {
            do {
                for dataset in parts.datasets {
                    try await refuseMadeAnew(partitions.filter { $0.topic == dataset.topic }, of: dataset)
                }
                return
            } catch let error as LogError {
                guard !error.isFinal else { throw error }
                attempt += 1
                parts.figures.retried("poll")
                parts.logger.warning("cannot look for earlier objects yet", ["cause": error, "attempt": attempt])
                await parts.pause(afterAttempt: attempt, until: shutdown)
            } catch {
                // A local store is not there before its first object. What is not seen here, the archiver refuses.
                return
            }
        }
    }

    private func refuseMadeAnew(_ partitions: Set<TopicPartition>, of dataset: Dataset) async throws {
        guard !partitions.isEmpty else { return }
        let ends = try await log.watermarks(of: dataset.topic).mapValues(\.end)
        let pageSize = 1000
        var after: String?
        repeat {
            let page = try await parts.store.list(prefix: "raw/\(dataset.name)/", after: after, limit: pageSize)
            for object in page {
                guard let name = RawObjectName(key: object.key), name.topic == dataset.topic, name.epoch == log.epoch
                else { continue }
                let partition = TopicPartition(topic: name.topic, partition: name.partition)
                guard partitions.contains(partition), let end = ends[partition], name.end > end else { continue }
                throw LogError(
                    .corrupt, doing: "read \(partition) as group \(parts.settings.group)",
                    cause: "it ends at \(end), and the store has \(object.key): the topic was deleted and made anew."
                        + " Set log.epoch to eight other letters or digits, so that its messages get names of their own"
                )
            }
            after = page.count < pageSize ? nil : page.last?.key
        } while after != nil
    }
}
