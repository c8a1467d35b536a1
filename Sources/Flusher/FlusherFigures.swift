import EventLog
import MarketData
import Runtime

/// The flusher's figures; ``MetricDeclaration`` says what each is.
struct FlusherFigures: Sendable {
    private let metrics: Metrics

    init(metrics: Metrics) { self.metrics = metrics }

    func read(_ batch: RecordBatch, at now: Instant) {
        guard let last = batch.records.last else { return }
        let age = Double(now.microseconds(since: last.timestamp)) / 1e6
        metrics.set("pregao_flusher_lag_seconds", labels(batch.source), to: age)
    }

    func committed(_ parts: [CommitPart], in duration: Duration) {
        metrics.observe(duration.seconds, in: "pregao_flusher_commit_seconds")
        for part in parts {
            let labels = ["topic": part.assignment.partition.topic]
            let objects = part.objects.map(\.summary)
            metrics.add(Double(objects.reduce(0) { $0 + $1.rows }), to: "pregao_flusher_rows_total", labels)
            metrics.add(Double(objects.reduce(0) { $0 + $1.rejected }), to: "pregao_flusher_rejected_total", labels)
            let lost = part.objects.filter { $0.summary.emptyReason == .lostToRetention }.map(\.range.count)
            if !lost.isEmpty {
                metrics.add(Double(lost.reduce(0, +)), to: "pregao_flusher_lost_offsets_total", labels)
            }
            metrics.add(Double(objects.count), to: "pregao_flusher_objects_total", labels)
            metrics.add(Double(objects.reduce(0) { $0 + $1.size }), to: "pregao_flusher_bytes_total", labels)
        }
    }

    func retried(_ step: String) { metrics.add(to: "pregao_flusher_retries_total", ["step": step]) }

    func fenced() { metrics.add(to: "pregao_flusher_fenced_total") }

    func sawNewerVersion(_ partition: TopicPartition) {
        metrics.add(to: "pregao_flusher_newer_version_total", labels(partition))
    }

    func show(_ machine: FlusherStateMachine, now: Duration) {
        for (partition, flow) in machine.flows {
            let labels = labels(partition)
            let age = flow.open.openedAt.map { (now - $0).seconds } ?? 0
            metrics.set("pregao_flusher_buffered_bytes", labels, to: Double(flow.bufferedBytes))
            metrics.set("pregao_flusher_batch_age_seconds", labels, to: age)
            metrics.set("pregao_flusher_paused", labels, to: machine.pausedPartitions.contains(partition) ? 1 : 0)
        }
    }

    /// The partition is another's.
    func forget(_ partition: TopicPartition) {
        metrics.forget(
            [
                "pregao_flusher_buffered_bytes", "pregao_flusher_batch_age_seconds", "pregao_flusher_paused",
                "pregao_flusher_lag_seconds",
            ], labels(partition))
    }

    private func labels(_ partition: TopicPartition) -> [String: String] {
        ["topic": partition.topic, "partition": "\(partition.partition)"]
    }
}

extension Duration {
    /// As a figure, to be shown.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
