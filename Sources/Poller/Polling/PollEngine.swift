import Feeds
import JSON
import MarketData
import Runtime

/// The polling thread's work: starts what is due, reads what is answered, and puts quotes and gaps into the outbox.
///
/// Made and used on one thread. The decisions are those of ``PollSchedule`` and ``SourceGuard``.
final class PollEngine {
    /// A job that comes again at its time: admitted already, or to be asked about anew.
    private struct Delayed {
        let job: Job
        let isAdmitted: Bool
    }

    private let plan: PollPlan
    private let settings: PollerSettings
    private let clock: any WallClock
    private let inbox: EngineInbox
    private let outbox: Outbox
    private let loop: TransferLoop<Job>
    private let headers: [HeaderList]
    private var schedule: PollSchedule
    private var sources: [SourceLine<Job>]
    private var delayed = DueHeap<Delayed>()
    private var figures: PollFigures
    private var drainUntil: Int64?
    private var lastTick: Int64 = 0

    init(
        plan: PollPlan, settings: PollerSettings, schedule: PollSchedule, clock: any WallClock, inbox: EngineInbox,
        outbox: Outbox, figures: PollFigures
    ) throws(TransferLoopError) {
        self.plan = plan
        self.settings = settings
        self.schedule = schedule
        self.clock = clock
        self.inbox = inbox
        self.outbox = outbox
        self.figures = figures
        var lists: [[FeedRequest.Header]: HeaderList] = [:]
        headers = plan.entries.map { entry in
            let list = lists[entry.headers] ?? HeaderList(entry.headers)
            lists[entry.headers] = list
            return list
        }
        sources = plan.sources.map { SourceLine($0.limits) }
        loop = try TransferLoop(settings.http)
        inbox.attach(loop.waker)
    }

    /// Returns when the inbox was told to stop and what was under way has ended.
    func run() {
        while true {
            let now = ClockReading.now(clock)
            take(at: now)
            if drainUntil == nil { startDue(at: now) }
            startDelayed(at: now)
            loop.advance { job, result in finished(job, result) }
            startWaiting()
            if let drainUntil, loop.inFlight == 0 || monotonicMicroseconds() >= drainUntil { break }
            tick(at: now.monotonic)
            if !loop.hasNew { loop.wait(milliseconds: pause()) }
        }
        end()
    }

    // MARK: - What is due

    private func take(at now: ClockReading) {
        let (fetches, isStopping) = inbox.take()
        for fetch in fetches {
            if isStopping {
                giveUp(.fetch(fetch), .shutdown, "the poller is stopping")
            } else {
                ask(.fetch(fetch), at: now)
            }
        }
        guard isStopping, drainUntil == nil else { return }
        drainUntil = now.monotonic + settings.drain.microseconds
        for waiting in delayed.removeAll() { giveUp(waiting.job, .shutdown, "the poller is stopping") }
        for index in sources.indices {
            for job in sources[index].removeAll() { giveUp(job, .shutdown, "the poller is stopping") }
        }
    }

    /// Bounded, so that a burst of polls does not keep the answers waiting.
    private func startDue(at now: ClockReading) {
        let jump = schedule.follow(now)
        if jump != 0 { figures.clockJumped(by: jump) }
        for _ in 0..<512 {
            guard let event = schedule.next(at: now) else { return }
            switch event {
            case .due(let series, let slot, let lateness):
                let due = now.monotonic - lateness
                let interval = plan.entries[series].interval
                let pending = Pending(
                    series: series, slot: slot..<slot.adding(microseconds: interval), due: due, deadline: due + interval
                )
                ask(.poll(pending), at: now)
            case .missed(let series, let from, let to, let cause):
                let (reason, detail): (GapReason, String) =
                    switch cause {
                    case .clockJump: (.clockJump, "the wall clock jumped")
                    case .stall: (.downtime, "the poller was held up")
                    }
                let missing = MissingSlots(
                    series: series, from: from, to: to, reason: reason, detail: detail, tries: 0)
                outbox.put(missing, at: now.monotonic)
            }
        }
    }

    private func startDelayed(at now: ClockReading) {
        while let entry = delayed.pop(dueBy: now.monotonic) {
            if entry.isAdmitted { launch(entry.job) } else { ask(entry.job, at: now) }
        }
    }

    private func startWaiting() {
        for index in sources.indices {
            while let job = sources[index].next() {
                if case .poll(let pending) = job, pending.deadline <= monotonicMicroseconds() {
                    sources[index].abandoned(at: monotonicMicroseconds())
                    giveUp(job, .tooManyWaiting, "no request of the source ended before the slot did")
                } else {
                    start(job, source: index)
                }
            }
        }
    }

    /// Milliseconds until something is due, rounded up: libcurl's waits are no finer.
    private func pause() -> Int32 {
        let next = min(drainUntil == nil ? schedule.nextDue ?? .max : .max, delayed.earliest ?? .max)
        let wait = next == .max ? 100_000 : next - monotonicMicroseconds()
        return Int32(max(0, min(100_000, wait) + 999) / 1000)
    }

    // MARK: - Requests

    private func source(of job: Job) -> Int {
        switch job {
        case .poll(let pending): plan.entries[pending.series].source
        case .fetch(let fetch): fetch.source
        }
    }

    private func ask(_ job: Job, at now: ClockReading) {
        let source = source(of: job)
        let deadline = if case .poll(let pending) = job { pending.deadline - 1 } else { Int64.max }
        switch sources[source].admit(at: now, deadline: deadline) {
        case .start(let time) where time <= now.monotonic: launch(job)
        case .start(let time): delayed.push(Delayed(job: job, isAdmitted: true), due: time)
        case .refused(let reason, let until):
            switch job {
            case .poll(let pending):
                giveUp(job, reason, pending.fault?.detail ?? "\(plan.sources[source].name) is not asked now")
            case .fetch(let fetch):
                let fault = AnswerFault(reason, "\(plan.sources[source].name) is not asked now")
                fetch.reply.resume(returning: .refused(fault, retryAfter: until - now.monotonic))
            }
        }
    }

    private func launch(_ job: Job) {
        let index = source(of: job)
        switch sources[index].place(job, maximumWaiting: settings.maximumWaiting) {
        case .start: start(job, source: index)
        case .waiting: break
        case .waitingInPlaceOf(let oldest):
            sources[index].abandoned(at: monotonicMicroseconds())
            giveUp(oldest, .tooManyWaiting, "more polls were waiting than \(settings.maximumWaiting)")
        }
    }

    private func start(_ job: Job, source: Int) {
        var job = job
        let request: TransferRequest
        switch job {
        case .poll(var pending):
            if pending.tries == 0 {
                figures.started(pending.series, lateness: monotonicMicroseconds() - pending.due)
            } else {
                figures.retries += 1
            }
            pending.tries += 1
            job = .poll(pending)
            let entry = plan.entries[pending.series]
            request = TransferRequest(
                url: entry.url, headers: headers[pending.series], maximumBytes: entry.feed.maximumAnswerBytes)
        case .fetch(let fetch):
            request = TransferRequest(
                url: fetch.url, headers: HeaderList(fetch.headers), maximumBytes: fetch.maximumBytes)
        }
        do throws(TransferLoopError) {
            try loop.start(request, tag: job)
            sources[source].started()
        } catch {
            giveUp(job, .connection, "\(error)")
        }
    }

    // MARK: - Answers

    private func finished(_ job: Job, _ result: TransferResult) {
        let time = monotonicMicroseconds()
        let source = source(of: job)
        let outcome = SourceGuard.Outcome(result, now: clock.now())
        sources[source].finished(outcome, at: time)
        switch (job, result) {
        case (.poll(let pending), .answered(let answer, _)):
            figures.bytes += answer.body.count
            read(answer, to: pending, outcome, at: time)
        case (.poll(let pending), .failed(let fault)): failed(pending, fault, mayRetry: true, at: time)
        case (.fetch(let fetch), .answered(let answer, _)):
            figures.bytes += answer.body.count
            fetch.reply.resume(returning: .answered(status: answer.status, body: Array(answer.body)))
        case (.fetch(let fetch), .failed(let fault)): fetch.reply.resume(returning: .failed(fault))
        }
    }

    private func read(_ answer: Answer, to pending: Pending, _ outcome: SourceGuard.Outcome, at time: Int64) {
        let entry = plan.entries[pending.series]
        let poll = Poll(
            series: entry.series, scheduledAt: pending.slot.lowerBound, interval: entry.interval,
            observedAt: clock.now())
        switch entry.feed.read(answer, to: poll) {
        case .success(let observations) where observations.isEmpty:
            failed(pending, AnswerFault(.missingField, "the answer holds no quote"), mayRetry: false, at: time)
        case .success(let observations):
            figures.quoted(bySource: entry.source)
            for observation in observations {
                outbox.put(
                    OutboxState.Quote(
                        series: pending.series, slot: pending.slot, tries: pending.tries, value: observation.json()),
                    at: time)
            }
        case .failure(let fault):
            // A source that says no (4xx) or asks to be left alone (429) would say so again.
            let mayRetry = outcome == .failed || (outcome == .healthy && answer.status == 200)
            failed(pending, fault, mayRetry: mayRetry, at: time)
        }
    }

    private func failed(_ pending: Pending, _ fault: AnswerFault, mayRetry: Bool, at time: Int64) {
        var pending = pending
        pending.fault = fault
        let pause = Self.retryPause.pause(number: pending.tries, jitter: .random(in: 0..<1))
        if mayRetry, drainUntil == nil, pending.tries <= settings.retriesInSlot, time + pause < pending.deadline {
            delayed.push(Delayed(job: .poll(pending), isAdmitted: false), due: time + pause)
        } else {
            settle(pending, fault, at: time)
        }
    }

    private static let retryPause = Backoff(shortest: .milliseconds(100), longest: .seconds(10))

    private func giveUp(_ job: Job, _ reason: GapReason, _ detail: String) {
        switch job {
        // What a try met says more than why there was no further one.
        case .poll(let pending):
            settle(pending, pending.fault ?? AnswerFault(reason, detail), at: monotonicMicroseconds())
        case .fetch(let fetch): fetch.reply.resume(returning: .failed(AnswerFault(reason, detail)))
        }
    }

    private func settle(_ pending: Pending, _ fault: AnswerFault, at time: Int64) {
        figures.missed(fault, of: plan.entries[pending.series], at: time)
        let missing = MissingSlots(
            series: pending.series, from: pending.slot.lowerBound, to: pending.slot.upperBound, reason: fault.reason,
            detail: fault.detail, tries: pending.tries)
        outbox.put(missing, at: time)
    }

    // MARK: - Once in a while, and at the end

    private func tick(at time: Int64) {
        guard time - lastTick >= 500_000 else { return }
        lastTick = time
        outbox.tick()
        figures.publish(inFlight: loop.inFlight, sources: sources, of: plan, at: time)
    }

    private func end() {
        inbox.close()
        for job in loop.abandonAll() { giveUp(job, .shutdown, "the poller was stopping") }
        figures.publish(inFlight: 0, sources: sources, of: plan, at: monotonicMicroseconds())
        outbox.finish()
    }
}
