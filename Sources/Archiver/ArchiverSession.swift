import EventLog
import Lake
import Runtime

/// One membership of the archivers' group.
struct ArchiverSession {
    /// How late a shutdown is seen, and how long a drain waits for a log that says nothing.
    private static let longestWait = Duration.milliseconds(250)

    private let parts: ArchiverParts
    private let log: any EventLog
    private let consumer: any GroupConsumer
    private var machine: ArchiverMachine
    private var paused: Set<TopicPartition> = []
    /// Given up, and the log could not be told yet.
    private var unreleased: Set<TopicPartition> = []

    init(parts: ArchiverParts, log: any EventLog, consumer: any GroupConsumer) {
        self.parts = parts
        self.log = log
        self.consumer = consumer
        machine = ArchiverMachine(settings: parts.settings)
    }

    private var now: Duration { parts.elapsed() }

    mutating func work(until shutdown: Shutdown) async throws(LogError) {
        // A cancelled task cannot pause between tries, nor await what draining needs.
        while !shutdown.isRequested, !Task.isCancelled {
            do throws(LogError) {
                _ = try await takeNext(waitingAtMost: min(machine.wait(now: now) ?? .seconds(1), Self.longestWait))
                parts.readiness.clear(ArchiverParts.logHindrance)
            } catch {
                guard !error.isFinal else { throw error }
                parts.figures.retried("read")
                parts.logger.warning("cannot read the log yet", ["cause": error])
                parts.readiness.hold(ArchiverParts.logHindrance, "archiver: cannot read the log: \(error)")
                await shutdown.sleep(for: parts.settings.firstPause)
            }
            await archive(machine.dueBatch(now: now))
            await settleReading()
        }
        if !Task.isCancelled { await drain() }
    }

    /// Archives what was announced before the shutdown. Held partitions are tried once more; what is still held stays
    /// in the log.
    ///
    /// Everything is read before the first batch: a batch costs about the same whatever is in it.
    private mutating func drain() async {
        machine.drain()
        let ends = ((try? await log.watermarks(of: Announcement.topic)) ?? [:]).mapValues(\.end)
        while !machine.hasReached(ends) {
            await settleReading()
            if !machine.hasRead(ends), await tookAnother() { continue }
            let batch = machine.dueBatch(now: now)
            guard !batch.isEmpty else { break }
            await archive(batch)
        }
        await settleReading()
    }

    private mutating func tookAnother() async -> Bool {
        do throws(LogError) {
            return try await takeNext(waitingAtMost: Self.longestWait)
        } catch {
            parts.logger.warning("cannot read the log to its end", ["cause": error])
            return false
        }
    }

    // MARK: - Reading

    /// - Returns: false where nothing came.
    private mutating func takeNext(waitingAtMost wait: Duration) async throws(LogError) -> Bool {
        guard let event = try await consumer.next(waitingAtMost: wait) else { return false }
        switch event {
        case .assigned(let positions):
            machine.assigned(positions)
            parts.logger.info("partitions assigned", ["partitions": positions.keys.sorted()])
        case .revoking(let partitions):
            // Nothing need be finished: whatever was taken can be taken again.
            machine.dropped(partitions)
            unreleased.formUnion(partitions)
        case .lost(let partitions):
            machine.dropped(partitions)
            parts.logger.warning("partitions lost to another archiver", ["partitions": partitions.sorted()])
        case .trimmed(let partition, let from, let to):
            parts.logger.error(
                "object-created messages were lost to retention before they were archived; run 'pregao verify'",
                ["partition": partition, "from": from, "to": to])
        case .records(let batch):
            machine.received(Arrival.all(of: batch), now: now)
            Waypoint.archiverTaken.reached()
        }
        return true
    }

    /// Gives back what was revoked, and pauses partitions of which enough waits.
    private mutating func settleReading() async {
        if !unreleased.isEmpty {
            do throws(LogError) {
                try await consumer.release(unreleased)
                unreleased = []
            } catch  where error.isFinal {
                // Another member has them already, or the log is closed.
                unreleased = []
            } catch {
                parts.figures.retried("release")
                parts.logger.warning("cannot give partitions back yet", ["cause": error])
            }
        }
        let overfull = machine.overfull
        await consumer.pause(overfull.subtracting(paused))
        await consumer.resume(paused.subtracting(overfull))
        paused = overfull
        let held = machine.held
        parts.figures.show(heldPartitions: held.count)
        parts.readiness.report(
            "archiver/held",
            held.sorted { $0.key < $1.key }.map { "archiver: \($0.key) is held back: \($0.value)" })
    }

    // MARK: - A batch

    private mutating func archive(_ batch: [Arrival]) async {
        guard !batch.isEmpty else { return }
        let outcomes = await parts.archive(batch)
        var progress: [TopicPartition: PartitionProgress] = [:]
        for (arrival, outcome) in zip(batch, outcomes) {
            progress[arrival.partition, default: PartitionProgress()].add(outcome, arrival)
        }
        guard await commit(progress) else { return }
        for (partition, progress) in progress {
            guard let reason = progress.held else { continue }
            hold(partition, "archive", reason: reason)
        }
    }

    /// - Returns: whether it was committed, or there was nothing to commit.
    private mutating func commit(_ progress: [TopicPartition: PartitionProgress]) async -> Bool {
        let advances = progress.compactMap { machine.advance(of: $0.key, by: $0.value.count) }
        guard !advances.isEmpty else { return true }
        let messages = progress.sorted { $0.key < $1.key }.flatMap(\.value.messages)
        do throws(LogError) {
            _ = try await consumer.commit(CommitBatch(advances: advances, appends: messages))
        } catch {
            await failedToCommit(advances, error)
            return false
        }
        Waypoint.archiverCommitted.reached()
        for (partition, progress) in progress where progress.count > 0 {
            machine.committed(partition, count: progress.count, now: now)
            parts.figures.refused(progress.letters)
        }
        parts.logger.debug("archived", ["messages": progress.values.reduce(0) { $0 + $1.count }])
        return true
    }

    /// A fenced commit is of a partition that another archiver has, of which the log will tell, or of one that a commit
    /// of ours has passed without an answer.
    private mutating func failedToCommit(_ advances: [CommitBatch.Advance], _ error: LogError) async {
        var positions: [TopicPartition: Offset]?
        if error.kind == .fenced {
            positions = try? await log.committed(group: Archiver.group, topics: [Announcement.topic])
        }
        for advance in advances {
            if let position = positions?[advance.partition], position > advance.start {
                machine.moved(advance.partition, to: position)
            } else {
                hold(advance.partition, "commit", reason: "\(error)")
            }
        }
    }

    private mutating func hold(_ partition: TopicPartition, _ step: String, reason: String) {
        machine.hold(partition, reason: reason, now: now)
        parts.figures.retried(step)
        parts.logger.warning("partition held back, and tried again", ["partition": partition, "reason": reason])
    }
}

/// What a batch did to one partition: its first `count` arrivals are done, then comes one that is held, or none.
struct PartitionProgress {
    private(set) var count = 0
    private(set) var held: String?
    private(set) var letters: [DeadLetter] = []
    /// The letters as they go to the dead letters, under their messages' keys.
    private(set) var messages: [OutgoingMessage] = []
    private var hasStopped = false

    /// - Parameter arrival: the partition's next.
    mutating func add(_ outcome: ArrivalOutcome, _ arrival: Arrival) {
        guard !hasStopped else { return }
        switch outcome {
        case .registered: count += 1
        case .refused(let letter):
            count += 1
            letters.append(letter)
            // A large key is in the letter's object.
            let key = (arrival.key?.count ?? 0) > RefusalLedger.inlineLimit ? nil : arrival.key
            messages.append(OutgoingMessage(topic: DeadLetter.topic, key: key, value: letter.json()))
        case .held(let reason):
            held = reason
            hasStopped = true
        case .untouched: hasStopped = true
        }
    }
}
