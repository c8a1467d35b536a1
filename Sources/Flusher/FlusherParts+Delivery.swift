import EventLog
import Lake
import MarketData
import Runtime

extension FlusherParts {
    func put(_ id: ObjectID, _ object: FinishedObject) async -> FlusherEvent {
        do throws(StoreError) {
            for content in object.contents { try await store.put(content.bytes, at: content.key) }
        } catch {
            return .putFailed(id, error)
        }
        Waypoint.flusherPut.reached()
        stored(id)
        return .put(id)
    }

    /// Every object's announcement and its dead letters, with the positions that they bring the group to.
    func batch(_ commit: [CommitPart], datasets: [String: Dataset], epoch: String) -> CommitBatch {
        var batch = CommitBatch(advances: [], appends: [])
        let announcedAt = clock.now()
        for part in commit {
            let partition = part.assignment.partition
            batch.advances.append(.init(partition: partition, start: part.position, end: part.end))
            for object in part.objects {
                let announcement = Announcement(
                    bucket: store.bucket, key: object.summary.key, size: Int64(object.summary.size),
                    sha256: object.summary.sha256, dataset: datasets[partition.topic]?.name ?? "",
                    schemaVersion: object.summary.schemaVersion, epoch: epoch, topic: partition.topic,
                    partition: partition.partition, start: object.range.lowerBound, end: object.range.upperBound,
                    rows: Int64(object.summary.rows), rejected: Int64(object.summary.rejected),
                    emptyReason: object.summary.emptyReason?.rawValue, days: object.summary.days,
                    announcedAt: announcedAt, keyPrefix: store.keyPrefix)
                batch.appends.append(
                    OutgoingMessage(
                        topic: Announcement.topic, key: Array("\(partition)".utf8), value: announcement.json()))
                batch.appends += object.deadLetters
            }
        }
        return batch
    }

    /// - Throws: a ``LogError`` that waiting does not mend.
    func commit(_ batch: CommitBatch, of commit: [CommitPart], to consumer: any GroupConsumer) async throws
        -> FlusherEvent
    {
        let start = ContinuousClock.now
        do throws(LogError) {
            _ = try await consumer.commit(batch)
        } catch {
            guard !error.isFinal else { throw error }
            return .commitFailed(error)
        }
        Waypoint.flusherCommitted.reached()
        committed(commit)
        figures.committed(commit, in: ContinuousClock.now - start)
        for part in commit { for object in part.objects { tell(of: object.summary, object.range, part) } }
        return .committed
    }

    private func tell(of object: ObjectSummary, _ range: Range<Offset>, _ part: CommitPart) {
        logger.debug("announced", ["object": object.key, "rows": object.rows, "rejected": object.rejected])
        if object.rejected > 0 {
            logger.warning("messages went to the dead letters", ["count": object.rejected, "object": object.key])
        }
        if let reason = object.emptyReason, reason == .lostToRetention {
            logger.error(
                "messages were lost to retention before they were read",
                [
                    "topic": part.assignment.partition.topic, "partition": part.assignment.partition.partition,
                    "from": range.lowerBound, "to": range.upperBound, "object": object.key,
                    "next": "keep messages for longer than the longest outage: log.retention-age, log.retention-bytes",
                ])
        }
    }
}
