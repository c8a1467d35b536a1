import EventLog
import Lake
import MarketData
import Runtime
import Warehouse

/// Takes object-created messages, copies each object to backup, registers it in the catalog and marks its trading days
/// dirty, then commits. Every step can be repeated without harm, so that an archiver may die anywhere.
public struct Archiver: Sendable {
    public static let group = "pregao.archiver"

    private let settings: ArchiverSettings
    private let log: any EventLog
    private let catalog: Catalog
    private let copier: Copier
    private let clock: any WallClock
    private let logger: Logger
    private let metrics: Metrics

    public init(
        settings: ArchiverSettings, log: any EventLog, raw: any ObjectStore, backup: any ObjectStore, catalog: Catalog,
        clock: any WallClock, logger: Logger, metrics: Metrics
    ) {
        self.settings = settings
        self.log = log
        self.catalog = catalog
        copier = Copier(raw: raw, backup: backup)
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
    }

    /// Works until the shutdown is requested, then finishes what it has taken and leaves the group.
    ///
    /// - Throws: ``LogError`` where the log cannot be used at all; what can pass is retried without limit.
    public func run(until shutdown: Shutdown) async throws {
        let consumer = try await log.join(group: Self.group, instance: settings.instance, topics: [Announcement.topic])
        var session = ArchiverSession(
            settings: settings, consumer: consumer, copier: copier, catalog: catalog, clock: clock, logger: logger,
            metrics: metrics)
        await session.work(until: shutdown)
        await consumer.leave()
    }
}

/// One membership of the archivers' group.
struct ArchiverSession {
    private let settings: ArchiverSettings
    private let consumer: any GroupConsumer
    private let copier: Copier
    private let catalog: Catalog
    private let clock: any WallClock
    private let logger: Logger
    private let metrics: Metrics
    private var machine: ArchiverMachine
    private var paused: Set<TopicPartition> = []
    private let started = ContinuousClock.now

    init(
        settings: ArchiverSettings, consumer: any GroupConsumer, copier: Copier, catalog: Catalog,
        clock: any WallClock, logger: Logger, metrics: Metrics
    ) {
        self.settings = settings
        self.consumer = consumer
        self.copier = copier
        self.catalog = catalog
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
        machine = ArchiverMachine(settings: settings)
    }

    private var now: Duration { ContinuousClock.now - started }

    mutating func work(until shutdown: Shutdown) async {
        while !shutdown.isRequested {
            await takeNext()
            await archive(machine.dueBatch(now: now))
            await adjustReading()
        }
        machine.drain()
        // What is held back stays in the log; the next archiver takes it up.
        while true {
            let batch = machine.dueBatch(now: now)
            if batch.isEmpty { return }
            await archive(batch)
        }
    }

    /// Waits for the next event, no longer than until a batch is due. A quarter of a second bounds how late a shutdown
    /// is seen.
    private mutating func takeNext() async {
        let wait = min(machine.wait(now: now) ?? .milliseconds(250), .milliseconds(250))
        do throws(LogError) {
            guard let event = try await consumer.next(waitingAtMost: wait) else { return }
            await handle(event)
        } catch {
            logger.warning("cannot read the log", ["topic": Announcement.topic, "error": error])
            metrics.add(to: "pregao_archiver_retries_total", ["step": "read"])
            await pause()
        }
    }

    private mutating func handle(_ event: ConsumerEvent) async {
        switch event {
        case .assigned(let positions):
            machine.assigned(positions)
            logger.info("partitions assigned", ["partitions": positions.keys.sorted()])
        case .revoking(let partitions):
            await finish(partitions)
        case .lost(let partitions):
            machine.dropped(partitions)
            logger.warning("partitions lost to another archiver", ["partitions": partitions.sorted()])
        case .trimmed(let partition, let from, let to):
            machine.assigned([partition: to])
            logger.error(
                "object-created messages were lost to retention before they were archived; run 'pregao verify'",
                ["partition": partition, "from": from, "to": to])
        case .records(let batch):
            machine.received(Arrival.all(of: batch), now: now)
            Waypoint.archiverTaken.reached()
        }
    }

    /// Nothing need be finished before a partition is given back, since whatever was taken can be taken again.
    private mutating func finish(_ partitions: Set<TopicPartition>) async {
        machine.dropped(partitions)
        paused.subtract(partitions)
        do throws(LogError) { try await consumer.release(partitions) } catch {
            logger.warning("cannot give partitions back", ["partitions": partitions.sorted(), "error": error])
        }
    }

    private mutating func adjustReading() async {
        let overfull = machine.overfull
        let toPause = overfull.subtracting(paused)
        let toResume = paused.subtracting(overfull)
        if !toPause.isEmpty { await consumer.pause(toPause) }
        if !toResume.isEmpty { await consumer.resume(toResume) }
        paused = overfull
        metrics.set("pregao_archiver_held_partitions", to: Double(machine.held.count))
    }

    private func pause() async {
        do { try await Task.sleep(for: settings.firstPause) } catch {}
    }
}

// MARK: - A batch

extension ArchiverSession {
    /// What becomes of one arrival in this batch.
    private enum Step: Sendable {
        case register(Announcement)
        case refuse(Announcement, reason: String)
        case reject(reason: String)
        case hold(reason: String)
    }

    private mutating func archive(_ batch: [Arrival]) async {
        guard !batch.isEmpty else { return }
        let steps = await copyAll(batch)
        let outcomes = await register(batch, steps)
        await commit(batch, outcomes)
    }

    /// Copies with bounded concurrency and memory; the steps are in the order of the batch.
    private func copyAll(_ batch: [Arrival]) async -> [Step] {
        var steps = [Step](repeating: .hold(reason: "not tried"), count: batch.count)
        var index = 0
        while index < batch.count {
            let end = endOfCopies(batch, from: index)
            await withTaskGroup(of: (Int, Step).self) { group in
                for position in index..<end {
                    group.addTask { (position, await self.step(for: batch[position])) }
                }
                for await (position, step) in group { steps[position] = step }
            }
            index = end
        }
        return steps
    }

    private func endOfCopies(_ batch: [Arrival], from start: Int) -> Int {
        var bytes: Int64 = 0
        var end = start
        while end < batch.count, end - start < settings.concurrentCopies {
            if case .announcement(let announcement) = batch[end].content { bytes += announcement.size }
            guard bytes <= settings.copyBytes || end == start else { break }
            end += 1
        }
        return end
    }

    private func step(for arrival: Arrival) async -> Step {
        switch arrival.content {
        case .unreadable(let reason): .reject(reason: reason)
        case .announcement(let announcement):
            switch await copier.copy(announcement, message: arrival.message) {
            case .copied: .register(announcement)
            case .refused(let reason): .refuse(announcement, reason: reason)
            case .held(let reason): .hold(reason: reason)
            }
        }
    }

    /// Registers each partition's arrivals up to its first that is not simply copied, in one transaction; then refuses
    /// what comes next, where it is refused. The rest of the partition waits for the next round, since its ranges stand
    /// behind the refused one.
    private func register(_ batch: [Arrival], _ steps: [Step]) async -> [Outcome] {
        var outcomes = [Outcome](repeating: .later, count: batch.count)
        var stopped: [TopicPartition: Int] = [:]
        var registrations: [(index: Int, registration: Registration)] = []
        for (index, arrival) in batch.enumerated() where stopped[arrival.partition] == nil {
            switch steps[index] {
            case .register(let announcement):
                let location = copier.raw.location(of: announcement.key)
                registrations.append((index, Registration(announcement: announcement, location: location)))
            case .reject(let reason): outcomes[index] = .refused(reason)
            case .refuse, .hold: stopped[arrival.partition] = index
            }
        }
        do throws(CatalogError) {
            let answers = registrations.isEmpty ? [] : try await catalog.register(registrations.map(\.registration))
            for (answer, entry) in zip(answers, registrations) {
                outcomes[entry.index] = try await outcome(of: answer, entry.registration.announcement)
            }
            Waypoint.archiverRegistered.reached()
        } catch {
            for entry in registrations { outcomes[entry.index] = .held("\(error)") }
        }
        for index in stopped.values.sorted() { outcomes[index] = await outcome(ofStopped: steps[index]) }
        return outcomes
    }

    private enum Outcome: Sendable {
        case done
        case refused(String)
        case held(String)
        /// Not decided in this round.
        case later
    }

    private func outcome(of answer: RegistrationOutcome, _ announcement: Announcement) async throws(CatalogError)
        -> Outcome
    {
        switch answer {
        case .registered, .already: return .done
        case .ahead(let expected):
            return .held("\(announcement.key) starts behind a hole: offset \(expected) is to come first")
        case .refused(let reason):
            try await catalog.refuse(announcement, reason: reason)
            return .refused(reason)
        }
    }

    private func outcome(ofStopped step: Step) async -> Outcome {
        switch step {
        case .hold(let reason): return .held(reason)
        case .refuse(let announcement, let reason):
            do throws(CatalogError) {
                try await catalog.refuse(announcement, reason: reason)
                return .refused(reason)
            } catch {
                return .held("\(error)")
            }
        case .register, .reject: return .later
        }
    }

    /// What a round did to one partition: its first `count` arrivals are done; then comes one that is held, or none.
    private struct Progress {
        var count = 0
        var held: String?
        var letters: [OutgoingMessage] = []
    }

    private mutating func commit(_ batch: [Arrival], _ outcomes: [Outcome]) async {
        var progress: [TopicPartition: Progress] = [:]
        for (partition, indices) in Dictionary(grouping: batch.indices, by: { batch[$0].partition }) {
            progress[partition] = self.progress(of: indices, batch, outcomes)
        }
        let advances = progress.compactMap { machine.advance(of: $0.key, by: $0.value.count) }
        if !advances.isEmpty {
            do throws(LogError) {
                let letters = progress.values.flatMap(\.letters)
                _ = try await consumer.commit(CommitBatch(advances: advances, appends: letters))
                Waypoint.archiverCommitted.reached()
                metrics.add(Double(letters.count), to: "pregao_archiver_refused_total")
            } catch {
                return failedToCommit(Set(advances.map(\.partition)), error)
            }
        }
        for (partition, progress) in progress {
            if progress.count > 0 { machine.committed(partition, count: progress.count, now: now) }
            metrics.add(Double(progress.count), to: "pregao_archiver_objects_total")
            if let reason = progress.held { hold(partition, reason: reason) }
        }
    }

    private func progress(of indices: [Int], _ batch: [Arrival], _ outcomes: [Outcome]) -> Progress {
        var progress = Progress()
        for index in indices {
            switch outcomes[index] {
            case .done: break
            case .refused(let reason): progress.letters.append(deadLetter(for: batch[index], reason: reason))
            case .held(let reason):
                progress.held = reason
                return progress
            case .later: return progress
            }
            progress.count += 1
        }
        return progress
    }

    private mutating func failedToCommit(_ partitions: Set<TopicPartition>, _ error: LogError) {
        if error.kind == .fenced {
            logger.warning("another archiver has taken over", ["error": error])
            machine.dropped(partitions)
        } else {
            for partition in partitions { hold(partition, reason: "\(error)") }
        }
    }

    private mutating func hold(_ partition: TopicPartition, reason: String) {
        machine.hold(partition, reason: reason, now: now)
        metrics.add(to: "pregao_archiver_retries_total", ["step": "archive"])
        logger.warning("partition held back, and tried again", ["partition": partition, "reason": reason])
    }

    private func deadLetter(for arrival: Arrival, reason: String) -> OutgoingMessage {
        logger.error(
            "object refused; see 'pregao dead-letters'",
            ["partition": arrival.partition, "offset": arrival.offset, "reason": reason])
        return OutgoingMessage(topic: "pregao.dead-letters", key: arrival.key, value: arrival.message)
    }
}
