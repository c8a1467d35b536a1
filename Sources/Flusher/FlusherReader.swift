import EventLog
import Runtime

/// Reads the log for the driver and gives partitions back, trying again while the log refuses.
///
/// It has nothing of what the driver buffers, which a try that goes on for long would keep in memory. A cancelled task
/// tries no more: it could not pause between tries.
struct FlusherReader: Sendable {
    enum Outcome: Sendable {
        case event(FlusherEvent)
        case polled(FlusherEvent)
        /// The log refused to be polled while draining: what is under way is finished without it.
        case pollEnded
    }

    let parts: FlusherParts
    let log: any EventLog
    let consumer: any GroupConsumer
    let shutdown: Shutdown

    func polled(waitingAtMost wait: Duration) async throws -> Outcome {
        var attempt = 0
        while true {
            do throws(LogError) {
                let event = try await consumer.next(waitingAtMost: wait)
                if attempt > 0 { parts.readiness.clear(FlusherParts.logHindrance) }
                guard let event else { return .polled(.tick) }
                return .polled(try await translated(event))
            } catch {
                // Fenced: another process runs as this instance.
                guard !error.isFinal, error.kind != .fenced else { throw error }
                if shutdown.isRequested || Task.isCancelled { return .pollEnded }
                attempt += 1
                parts.figures.retried("poll")
                parts.logger.warning("cannot read the log yet", ["cause": error, "attempt": attempt])
                parts.readiness.hold(FlusherParts.logHindrance, "flusher: cannot read the log: \(error)")
                await parts.pause(afterAttempt: attempt, until: shutdown)
            }
        }
    }

    private func translated(_ event: ConsumerEvent) async throws(LogError) -> FlusherEvent {
        switch event {
        case .assigned(let positions): .assigned(try await startingPoints(positions))
        case .revoking(let partitions): .revoking(partitions)
        case .lost(let partitions): .lost(partitions)
        case .trimmed(let partition, let from, let to): .trimmed(partition, from: from, to: to)
        case .records(let batch): .records(batch)
        }
    }

    private func startingPoints(_ positions: [TopicPartition: Offset]) async throws(LogError)
        -> [TopicPartition: StartingPoint]
    {
        if log.hasOffsetGaps { try await refuseMadeAnew(Set(positions.filter { $0.value == 0 }.keys)) }
        // Only a partition whose first messages are gone has a range before its first start.
        guard positions.values.contains(where: { $0 > 0 }) else {
            return positions.mapValues { StartingPoint(position: $0, isFirst: true) }
        }
        let committed = try await committedPositions(in: Set(positions.keys.map(\.topic)))
        return Dictionary(
            uniqueKeysWithValues: positions.map { partition, position in
                (partition, StartingPoint(position: position, isFirst: committed[partition] == nil))
            })
    }

    /// Asks until the log answers: an assignment that was taken is not told a second time.
    private func committedPositions(in topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        var attempt = 0
        while true {
            do throws(LogError) {
                return try await log.committed(group: parts.settings.group, topics: topics)
            } catch {
                guard !error.isFinal, !shutdown.isRequested, !Task.isCancelled else { throw error }
                attempt += 1
                await parts.pause(afterAttempt: attempt, until: shutdown)
            }
        }
    }

    /// Tries until the log takes it, since a partition that is kept is read by nobody; leaving releases everything.
    func release(_ partitions: Set<TopicPartition>) async -> Outcome {
        var attempt = 0
        while !shutdown.isRequested, !Task.isCancelled {
            do throws(LogError) {
                try await consumer.release(partitions)
                break
            } catch {
                // Fenced: another member has them already.
                if error.isFinal || error.kind == .fenced { break }
                attempt += 1
                parts.logger.warning("cannot release partitions yet", ["cause": error, "attempt": attempt])
                await parts.pause(afterAttempt: attempt, until: shutdown)
            }
        }
        return .event(.tick)
    }
}
