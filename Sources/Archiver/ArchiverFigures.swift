import Lake
import MarketData
import Runtime

/// The archiver's figures; ``MetricDeclaration`` says what each is.
struct ArchiverFigures: Sendable {
    let metrics: Metrics
    let clock: any WallClock

    func registered(_ announcement: Announcement) {
        let labels = ["dataset": announcement.dataset]
        metrics.add(to: "pregao_archiver_objects_total", labels)
        metrics.add(Double(announcement.size), to: "pregao_archiver_bytes_total", labels)
        // Below zero where the wall clock has jumped back meanwhile, and a histogram's sum may only grow.
        let microseconds = max(0, clock.now().microseconds(since: announcement.announcedAt))
        metrics.observe(Double(microseconds) / 1e6, in: "pregao_archiver_freshness_seconds")
    }

    func refused(_ letters: [DeadLetter]) {
        for letter in letters { metrics.add(to: "pregao_archiver_refused_total", ["reason": letter.reason]) }
    }

    func retried(_ step: String) { metrics.add(to: "pregao_archiver_retries_total", ["step": step]) }

    func show(heldPartitions: Int) { metrics.set("pregao_archiver_held_partitions", to: Double(heldPartitions)) }
}
