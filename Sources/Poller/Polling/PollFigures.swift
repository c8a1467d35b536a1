import Feeds
import MarketData
import Runtime

/// The polling thread's figures, gathered there and published once in a while.
struct PollFigures {
    private let metrics: Metrics
    private let logger: Logger
    private let feedOfSeries: [Int]
    private let labels: [[String: String]]
    private var polls: [Int]
    private var troubles: [SourceTrouble]
    var retries = 0
    var bytes = 0

    init(plan: PollPlan, metrics: Metrics, logger: Logger) {
        self.metrics = metrics
        self.logger = logger
        var names: [String] = []
        feedOfSeries = plan.entries.map { entry in
            if let index = names.firstIndex(of: entry.feed.name) { return index }
            names.append(entry.feed.name)
            return names.count - 1
        }
        labels = names.map { ["feed": $0] }
        polls = Array(repeating: 0, count: names.count)
        troubles = Array(repeating: SourceTrouble(), count: plan.sources.count)
    }

    mutating func quoted(bySource source: Int) { troubles[source].quoted() }

    mutating func missed(_ fault: AnswerFault, of entry: PollPlan.Entry, at time: Int64) {
        troubles[entry.source].missed(fault, url: entry.url, at: time)
    }

    mutating func started(_ series: Int, lateness: Int64) {
        let feed = feedOfSeries[series]
        polls[feed] += 1
        metrics.observe(Double(lateness) / 1e6, in: "pregao_poller_lateness_seconds", labels[feed])
    }

    func clockJumped(by microseconds: Int64) {
        metrics.add(to: "pregao_poller_clock_jumps_total")
        logger.warning("the wall clock jumped", ["seconds": Double(microseconds) / 1e6])
    }

    mutating func publish(inFlight: Int, sources: [SourceLine<PollEngine.Job>], of plan: PollPlan, at time: Int64) {
        for (index, source) in plan.sources.enumerated() {
            switch troubles[index].news(at: time) {
            case .none: break
            case .trouble(let seconds, let fault, let url):
                logger.warning(
                    "the source gives no quotes",
                    [
                        "source": source.name, "seconds": seconds, "reason": fault.reason.rawValue,
                        "detail": fault.detail, "url": url,
                    ])
            case .over: logger.info("the source gives quotes again", ["source": source.name])
            }
        }
        for feed in polls.indices where polls[feed] > 0 {
            metrics.add(Double(polls[feed]), to: "pregao_poller_polls_total", labels[feed])
            polls[feed] = 0
        }
        if retries > 0 { metrics.add(Double(retries), to: "pregao_poller_retries_total") }
        if bytes > 0 { metrics.add(Double(bytes), to: "pregao_poller_answer_bytes_total") }
        retries = 0
        bytes = 0
        metrics.set("pregao_poller_requests_in_flight", to: Double(inFlight))
        for (source, state) in zip(plan.sources, sources) {
            let labels = ["source": source.name]
            metrics.set("pregao_poller_source_waiting", labels, to: Double(state.waitingCount))
            metrics.set("pregao_poller_source_circuit_open", labels, to: state.guardian.isOpen ? 1 : 0)
            metrics.set("pregao_poller_source_budget_used", labels, to: Double(state.guardian.budget.used))
            if let limit = state.guardian.limits.dailyBudget {
                metrics.set("pregao_poller_source_budget", labels, to: Double(limit))
            }
        }
    }
}
