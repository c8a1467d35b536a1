import EventLog
import Lake
import MarketData
import Runtime

/// Does what the state machine says, and tells it what came of it.
///
/// Every piece of work is a child task whose result is an event; events are handled one at a time. Polling is one of
/// them, so that it goes on whatever the store and the encoders do.
struct FlusherDriver {
    private typealias Outcome = FlusherReader.Outcome
    private typealias Group = ThrowingTaskGroup<Outcome, any Error>

    private let parts: FlusherParts
    private let log: any EventLog
    private let consumer: any GroupConsumer
    private let shutdown: Shutdown
    private let reader: FlusherReader
    private let datasets: [String: Dataset]
    private let threads: [EncoderThread]
    private let start = ContinuousClock.now
    private var machine: FlusherStateMachine
    private var encoders: [Assignment: PartitionEncoder] = [:]
    private var encodersMade = 0

    init(parts: FlusherParts, log: any EventLog, consumer: any GroupConsumer, shutdown: Shutdown) {
        self.parts = parts
        self.log = log
        self.consumer = consumer
        self.shutdown = shutdown
        reader = FlusherReader(parts: parts, log: log, consumer: consumer, shutdown: shutdown)
        datasets = Dictionary(parts.datasets.map { ($0.topic, $0) }) { first, _ in first }
        threads = (0..<parts.settings.encoderThreads).map { EncoderThread(number: $0) }
        machine = FlusherStateMachine(
            triggers: datasets.mapValues { parts.settings.trigger(of: $0) }, memoryLimit: parts.settings.memoryLimit)
    }

    mutating func run() async throws {
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask { [shutdown] in
                await shutdown.requested()
                return .event(.shutdown)
            }
            poll(&group)
            while !machine.hasLeft, let outcome = try await group.next() {
                switch outcome {
                case .event(let event): await handle(event, &group)
                case .polled(let event):
                    await handle(event, &group)
                    parts.figures.show(machine, now: now)
                    if !machine.hasLeft, !Task.isCancelled { poll(&group) }
                case .pollEnded: await handle(.tick, &group)
                }
            }
            group.cancelAll()
        }
    }

    private var now: Duration { ContinuousClock.now - start }

    private mutating func handle(_ event: FlusherEvent, _ group: inout Group) async {
        if case .records(let batch) = event { parts.figures.read(batch, at: parts.clock.now()) }
        for action in machine.handle(event, now: now) { await perform(action, &group) }
    }

    // MARK: Polling

    private func poll(_ group: inout Group) {
        // The longest wait lets the figures be shown again and a drain end soon, should the log not heed cancellation.
        let longest = machine.isDraining ? Duration.milliseconds(100) : .seconds(1)
        let now = now
        let wait = min(machine.nextDue(after: now).map { $0 - now } ?? longest, longest)
        group.addTask { [reader] in try await reader.polled(waitingAtMost: wait) }
    }

    // MARK: Actions

    private mutating func perform(_ action: FlusherAction, _ group: inout Group) async {
        switch action {
        case .append(let assignment, let batch, let index, let room):
            guard let encoder = encoder(of: assignment) else { return }
            group.addTask { .event(.appended(assignment, await encoder.append(batch, from: index, room: room))) }
        case .finish(let assignment, let range, let reason):
            guard let encoder = encoder(of: assignment) else { return }
            group.addTask { .event(try await Self.finish(encoder, assignment, range, reason)) }
        case .put(let id, let object): group.addTask { [parts] in .event(await parts.put(id, object)) }
        case .commit(let commit):
            let batch = parts.batch(commit, datasets: datasets, epoch: log.epoch)
            group.addTask { [parts, consumer] in .event(try await parts.commit(batch, of: commit, to: consumer)) }
        case .wait(let wait, let attempt):
            group.addTask { [parts, shutdown] in
                await parts.pause(afterAttempt: attempt, until: shutdown)
                return .event(.waited(wait))
            }
        case .pause(let partitions): await consumer.pause(partitions)
        case .resume(let partitions): await consumer.resume(partitions)
        case .release(let partitions): group.addTask { [reader] in await reader.release(partitions) }
        case .discard(let assignment):
            encoders[assignment] = nil
            parts.forget(assignment.partition)
        case .report(let report): parts.report(report)
        case .leave: break
        }
    }

    private mutating func encoder(of assignment: Assignment) -> PartitionEncoder? {
        if let encoder = encoders[assignment] { return encoder }
        guard let dataset = datasets[assignment.partition.topic] else { return nil }
        let identity = PartitionEncoder.Identity(
            dataset: dataset, source: assignment.partition, epoch: log.epoch,
            deadLetterInlineLimit: parts.settings.deadLetterInlineLimit)
        let encoder = PartitionEncoder(identity, thread: threads[encodersMade % threads.count])
        encodersMade += 1
        encoders[assignment] = encoder
        return encoder
    }

    private static func finish(
        _ encoder: PartitionEncoder, _ assignment: Assignment, _ range: Range<Offset>, _ reason: EmptyReason?
    ) async throws -> FlusherEvent {
        do {
            return .finished(assignment, try await encoder.finish(range, emptyReason: reason))
        } catch {
            throw FlusherError.encoding(assignment.partition, range, cause: "\(error)")
        }
    }
}
