import EventLog
import Feeds
import JSON
import MarketData
import Runtime

/// Takes quotes and gaps from the outbox to the log, many in one append, and keeps account of the slots that are
/// durable there.
struct Appender {
    private let plan: PollPlan
    private let settings: PollerSettings
    private let log: any EventLog
    private let clock: any WallClock
    private let logger: Logger
    private let metrics: Metrics
    private let readiness: Readiness
    private let outbox: Outbox
    private var book: SlotBook
    /// Gaps that the log refused; they go first.
    private var refusedGaps: [MissingSlots] = []
    private var refusals = 0
    private var slotsWritten: Int64

    init(
        plan: PollPlan, settings: PollerSettings, book: SlotBook, outbox: Outbox, log: any EventLog,
        clock: any WallClock, logger: Logger, metrics: Metrics, readiness: Readiness
    ) {
        self.plan = plan
        self.settings = settings
        self.book = book
        self.outbox = outbox
        self.log = log
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
        self.readiness = readiness
        slotsWritten = monotonicMicroseconds()
    }

    /// Returns once the outbox has finished and is empty, or the log has refused for as long as a drain may take.
    mutating func run() async {
        for await _ in outbox.signals {
            try? await Task.sleep(for: settings.linger)
            while await append(all: false), outbox.withState({ $0.waitingQuotes > 0 }) {}
            if monotonicMicroseconds() - slotsWritten >= settings.slotsInterval.microseconds { await writeSlots() }
        }
        let deadline = monotonicMicroseconds() + settings.drain.microseconds
        while !refusedGaps.isEmpty || !outbox.withState(\.hasNothing) {
            let isDone = await append(all: true)
            if !isDone, monotonicMicroseconds() >= deadline { break }
        }
        let left = outbox.withState(\.waitingQuotes)
        if left > 0 { logger.error("quotes are lost, since the log refuses them", ["quotes": left]) }
        await writeSlots()
    }

    /// - Returns: false where the log refused; what it refused waits again.
    private mutating func append(all: Bool) async -> Bool {
        var batch = outbox.withState { state in
            state.take(
                atMost: settings.quotesPerAppend, bytes: settings.maximumBufferedBytes,
                gaps: refusedGaps.isEmpty ? (all ? .all : .due) : .none, at: monotonicMicroseconds())
        }
        if !refusedGaps.isEmpty { batch.gaps = refusedGaps }
        var messages = batch.quotes.map(message)
        // What cannot be recorded is not accounted for either: the next poller finds it missing.
        batch.gaps = batch.gaps.filter { gap in
            guard let message = message(gap) else {
                beginAnew(after: gap)
                return false
            }
            messages.append(message)
            return true
        }
        guard !messages.isEmpty else {
            refusedGaps = []
            return true
        }
        do throws(LogError) { _ = try await log.append(messages) } catch {
            await refused(batch, error)
            return false
        }
        refusedGaps = []
        if refusals > 0 { readiness.clear(Self.hindrance) }
        refusals = 0
        Waypoint.pollerAppended.reached()
        settle(batch)
        return true
    }

    /// A series that began while the clock stood before the time of any gap begins where the clock had come to itself:
    /// no message can tell of its slots before.
    private mutating func beginAnew(after gap: MissingSlots) {
        let entry = plan.entries[gap.series]
        guard Instant.plausible.contains(gap.to),
            let ledger = book[entry.feed.name, entry.series], ledger.accountedFrom < Instant.plausible.lowerBound
        else { return }
        book.begin(entry.feed.name, entry.series, at: gap.to)
    }

    private static let hindrance = "poller/log"

    private mutating func refused(_ batch: OutboxState.Batch, _ error: LogError) async {
        refusedGaps = batch.gaps
        outbox.withState { $0.putBack(batch.quotes, at: monotonicMicroseconds()) }
        refusals += 1
        metrics.add(to: "pregao_poller_refused_appends_total")
        readiness.hold(Self.hindrance, "poller: the log refuses what was polled: \(error)")
        if refusals == 1 || refusals % 100 == 0 {
            logger.warning("the log refuses", ["error": error, "times": refusals])
        }
        let pause = Backoff(shortest: .milliseconds(10), longest: .seconds(1))
            .pause(number: refusals, jitter: .random(in: 0..<1))
        try? await Task.sleep(for: .microseconds(pause))
    }

    private mutating func settle(_ batch: OutboxState.Batch) {
        for quote in batch.quotes {
            let entry = plan.entries[quote.series]
            book.settle(entry.feed.name, entry.series, quote.slot)
        }
        for gap in batch.gaps {
            let entry = plan.entries[gap.series]
            book.settle(entry.feed.name, entry.series, gap.from..<gap.to)
            metrics.add(
                to: "pregao_poller_gaps_total", ["feed": entry.feed.name, "reason": gap.reason.rawValue])
        }
        metrics.add(Double(batch.quotes.count), to: "pregao_poller_quotes_total")
        metrics.set("pregao_poller_quotes_waiting", to: Double(outbox.withState(\.waitingQuotes)))
    }

    /// Records up to when the slots are accounted for, so that a poller that starts later knows where this one ended.
    mutating func writeSlots() async {
        slotsWritten = monotonicMicroseconds()
        do throws(LogError) {
            var offsets: [TopicPartition: Offset] = [:]
            for dataset in [Datasets.quotes, Datasets.gaps] {
                for (partition, marks) in try await log.watermarks(of: dataset.topic) {
                    offsets[partition] = marks.end
                }
            }
            let messages = book.messages(feeds: plan.feeds, offsets: offsets)
            if !messages.isEmpty { _ = try await log.append(messages) }
        } catch {
            logger.warning("the accounted slots are not recorded", ["error": error])
        }
    }

    // MARK: - Messages

    private func message(_ quote: OutboxState.Quote) -> OutgoingMessage {
        let entry = plan.entries[quote.series]
        return OutgoingMessage(topic: entry.feed.dataset.topic, key: entry.key, value: quote.value)
    }

    private func message(_ gap: MissingSlots) -> OutgoingMessage? {
        let entry = plan.entries[gap.series]
        do throws(ObservationFault) {
            let observation = try Observation(
                Datasets.gaps,
                [
                    "feed": .text(entry.feed.name), "symbol": .text(entry.series.symbol),
                    "price_type": .text(entry.series.priceType), "from_time": .instant(gap.from),
                    "to_time": .instant(gap.to), "reason": .text(gap.reason.rawValue),
                    "detail": gap.detail.map { .text($0) } ?? .null, "tries": .integer(Int64(gap.tries)),
                    "observed_at": .instant(clock.now()),
                ])
            return OutgoingMessage(topic: Datasets.gaps.topic, key: entry.key, value: observation.json())
        } catch {
            logger.error(
                "a gap cannot be recorded, and is left to the next start",
                ["fault": error, "symbol": entry.series.symbol, "from": gap.from, "to": gap.to])
            return nil
        }
    }
}
