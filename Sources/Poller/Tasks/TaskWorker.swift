import EventLog
import Feeds
import JSON
import MarketData
import Runtime

/// Works off the tasks of one feed. A task's rows, its event and the group's position go to the log in one commit, so
/// that each task yields its rows exactly once, wherever the worker is stopped.
struct TaskWorker: Sendable {
    let fetcher: TaskFetcher
    let settings: PollerSettings
    let log: any EventLog
    let clock: any WallClock
    let logger: Logger
    let metrics: Metrics
    let shutdown: Shutdown

    private var feed: any TaskFeed { fetcher.feed }

    /// A task in its place: the group's position goes from `start` to `end` once it is done.
    private struct Item: Sendable {
        let start: Offset
        let end: Offset
        /// Nil where the message cannot be read.
        let message: TaskMessage?
    }

    /// Works until the shutdown is requested; where the log refuses, it waits and begins again from the group's position.
    func run() async {
        var refusals = 0
        while !shutdown.isRequested, !Task.isCancelled {
            do throws(LogError) {
                try await work()
                refusals = 0
            } catch {
                refusals += 1
                logger.warning("the log refuses tasks", ["feed": feed.name, "error": error])
                let pause = Backoff(shortest: .milliseconds(100), longest: .seconds(10))
                    .pause(number: refusals, jitter: .random(in: 0..<1))
                await shutdown.sleep(for: .microseconds(pause))
            }
        }
    }

    private func work() async throws(LogError) {
        let topic = TaskMessage.topic(of: feed.name)
        try await log.declare(topic, readBy: [TaskMessage.group])
        let consumer = try await log.join(
            group: TaskMessage.group, instance: "\(settings.instance)/\(feed.name)", topics: [topic.name])
        var positions: [TopicPartition: Offset] = [:]
        do throws(LogError) {
            while !shutdown.isRequested, !Task.isCancelled { try await step(consumer, &positions) }
        } catch {
            await consumer.leave()
            throw error
        }
        await consumer.leave()
    }

    private func step(_ consumer: any GroupConsumer, _ positions: inout [TopicPartition: Offset])
        async throws(LogError)
    {
        guard let event = try await consumer.next(waitingAtMost: .milliseconds(200)) else { return }
        switch event {
        case .records(let batch):
            guard let first = batch.records.first else { return }
            do throws(LogError) {
                try await work(batch, from: positions[batch.source] ?? first.offset, consumer)
                positions[batch.source] = batch.nextOffset
            } catch  where error.kind == .fenced {
                // Another worker has the partition, and does what was not committed.
                logger.info("tasks went to another worker", ["topic": batch.source])
            }
        case .assigned(let starts): positions.merge(starts) { $1 }
        case .revoking(let partitions): try await consumer.release(partitions)
        case .lost: break
        case .trimmed(let partition, let from, let to):
            logger.error("tasks are lost to retention", ["topic": partition, "from": from, "to": to])
        }
    }

    private func work(_ batch: RecordBatch, from position: Offset, _ consumer: any GroupConsumer)
        async throws(LogError)
    {
        var items: [Item] = []
        var start = position
        for (index, record) in batch.records.enumerated() {
            let end = index + 1 < batch.records.count ? batch.records[index + 1].offset : batch.nextOffset
            items.append(
                Item(start: start, end: end, message: batch.value(of: record).flatMap { TaskMessage(parsing: $0) }))
            start = end
        }
        var rest = items[...]
        while !rest.isEmpty, !shutdown.isRequested, !Task.isCancelled {
            let chunk = rest.prefix { $0.message?.work != .complete }.prefix(settings.tasksPerCommit)
            if chunk.isEmpty, let mark = rest.popFirst() {
                try await complete(mark, of: batch.source, consumer)
            } else {
                try await work(Array(chunk), of: batch.source, consumer)
                rest = rest.dropFirst(chunk.count)
            }
        }
    }

    /// Fetches several at once, and commits what has ended in the order of the topic.
    private func work(_ items: [Item], of source: TopicPartition, _ consumer: any GroupConsumer)
        async throws(LogError)
    {
        let work = TaskProgress(count: items.count)
        let result = await withTaskGroup(of: (Int, TaskFetcher.Outcome?).self) { group in
            var progress = work
            var committed = monotonicMicroseconds()
            func start() {
                guard !shutdown.isRequested, let index = progress.startNext() else { return }
                group.addTask { (index, await outcome(of: items[index])) }
            }
            do throws(LogError) {
                for _ in 0..<settings.tasksAtOnce { start() }
                while let (index, outcome) = await group.next() {
                    progress.ended(index, outcome)
                    start()
                    guard monotonicMicroseconds() - committed >= settings.taskCommitInterval.microseconds else {
                        continue
                    }
                    try await commit(progress.takeEnded(), items, of: source, consumer)
                    committed = monotonicMicroseconds()
                }
                try await commit(progress.takeEnded(), items, of: source, consumer)
                return Result<Void, LogError>.success(())
            } catch {
                group.cancelAll()
                return .failure(error)
            }
        }
        try result.get()
    }

    /// - Returns: nil where the message cannot be read.
    private func outcome(of item: Item) async -> TaskFetcher.Outcome? {
        guard let message = item.message, case .fetch(let task, _) = message.work else { return nil }
        return await fetcher.rows(of: task, run: message.run)
    }

    private func commit(
        _ ended: [(index: Int, outcome: TaskFetcher.Outcome?)], _ items: [Item], of source: TopicPartition,
        _ consumer: any GroupConsumer
    ) async throws(LogError) {
        guard let first = ended.first, let last = ended.last else { return }
        var appends: [OutgoingMessage] = []
        for (index, outcome) in ended { appends += messages(items[index], outcome, of: source) }
        let advance = CommitBatch.Advance(
            partition: source, start: items[first.index].start, end: items[last.index].end)
        _ = try await consumer.commit(CommitBatch(advances: [advance], appends: appends))
        Waypoint.pollerAppended.reached()
    }

    private func messages(_ item: Item, _ outcome: TaskFetcher.Outcome?, of source: TopicPartition) -> [OutgoingMessage]
    {
        guard let message = item.message, case .fetch(let task, let number) = message.work, let outcome else {
            logger.error("a task cannot be read", ["topic": source, "offset": item.start])
            metrics.add(to: "pregao_poller_unreadable_tasks_total")
            return []
        }
        let left = message.tasksTotal - number - 1
        let kind: RunEvent.Kind
        var appends: [OutgoingMessage] = []
        switch outcome {
        case .succeeded(let rows):
            kind = .succeeded(task, rows: rows.count, tasksLeft: left)
            appends = rows.map {
                OutgoingMessage(topic: feed.dataset.topic, key: Array(task.symbol.utf8), value: $0.json())
            }
        case .failed(let fault):
            kind = .failed(task, why: "\(fault)", tasksLeft: left)
            logger.warning("a task failed", ["task": task.key, "fault": fault])
        case .interrupted: return []
        }
        metrics.add(to: "pregao_poller_tasks_total", ["feed": feed.name])
        return appends + event(kind, of: message)
    }

    /// Nothing of the run comes after its mark, so what its partitions hold now is what its rows reach.
    private func complete(_ mark: Item, of source: TopicPartition, _ consumer: any GroupConsumer)
        async throws(LogError)
    {
        guard let message = mark.message else { return }
        let reaches = try await log.watermarks(of: feed.dataset.topic).mapValues(\.end).filter { $0.value > 0 }
        let advance = CommitBatch.Advance(partition: source, start: mark.start, end: mark.end)
        _ = try await consumer.commit(
            CommitBatch(advances: [advance], appends: event(.completed(reaches: reaches), of: message)))
        logger.info("a run is complete", ["run": message.run, "tasks": message.tasksTotal])
    }

    private func event(_ kind: RunEvent.Kind, of message: TaskMessage) -> [OutgoingMessage] {
        let event = RunEvent(
            run: message.run, feed: message.feed, requestedBy: message.requestedBy, tasksTotal: message.tasksTotal,
            kind: kind)
        do throws(ObservationFault) {
            return [try event.message(at: clock.now())]
        } catch {
            logger.error("an event cannot be recorded", ["run": message.run, "fault": error])
            return []
        }
    }
}
