import EventLog
import MarketData
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
                return .polled(await translated(event))
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

    private func translated(_ event: ConsumerEvent) async -> FlusherEvent {
        switch event {
        case .assigned(let positions): .assigned(positions)
        case .revoking(let partitions): .revoking(partitions)
        case .lost(let partitions): .lost(partitions)
        case .trimmed(let partition, let from, let to):
            .trimmed(partition, from: from, to: to, keptSince: await timeOfFirst(in: partition, from: to))
        case .records(let batch): .records(batch)
        }
    }

    /// When the log took the first message that it has from there on; nil where it has none, or does not say now.
    private func timeOfFirst(in partition: TopicPartition, from start: Offset) async -> Instant? {
        let batch = try? await log.read(partition, from: start, to: .max, maximumBytes: 1)
        return batch?.records.first?.timestamp
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
