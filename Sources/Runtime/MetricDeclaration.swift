/// A figure that the program exports: what `/metrics` says of it, and docs/metrics.md too.
public struct MetricDeclaration: Hashable, Sendable {
    public enum Kind: String, Sendable { case counter, gauge, histogram }

    /// As Prometheus' conventions have it: base units, `_total` for counters.
    public let name: String
    public let kind: Kind
    public let labels: [String]
    public let help: String

    private init(_ name: String, _ kind: Kind, _ labels: [String], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }

    public static let all = process + log + poller + flusher + archiver + catalog + batch

    public static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let process = [
        MetricDeclaration("process_cpu_seconds_total", .counter, [], "Processor time that the process has used."),
        MetricDeclaration("process_open_fds", .gauge, [], "File descriptors that the process has open."),
        MetricDeclaration("process_resident_memory_bytes", .gauge, [], "Memory of the process that is in RAM."),
        MetricDeclaration(
            "process_start_time_seconds", .gauge, [], "When the process started, in seconds since 1970."),
        MetricDeclaration("pregao_build_info", .gauge, ["version"], "1; the label tells the program's version."),
        MetricDeclaration("pregao_ready", .gauge, [], "1 where /readyz answers 200, else 0."),
    ]

    private static let log = [
        MetricDeclaration(
            "pregao_log_lag_messages", .gauge, ["group", "topic", "partition"],
            "Offsets that the group has yet to pass, every ten seconds.")
    ]

    private static let poller = [
        MetricDeclaration("pregao_poller_polls_total", .counter, ["feed"], "Slots that a question was asked for."),
        MetricDeclaration("pregao_poller_quotes_total", .counter, [], "Quotes appended."),
        MetricDeclaration("pregao_poller_gaps_total", .counter, ["feed", "reason"], "Gaps appended."),
        MetricDeclaration("pregao_poller_retries_total", .counter, [], "Questions asked again inside their slot."),
        MetricDeclaration("pregao_poller_answer_bytes_total", .counter, [], "Bytes of the sources' answers."),
        MetricDeclaration(
            "pregao_poller_lateness_seconds", .histogram, ["feed"], "From a slot's moment to its question."),
        MetricDeclaration("pregao_poller_clock_jumps_total", .counter, [], "Jumps of the time of day."),
        MetricDeclaration("pregao_poller_requests_in_flight", .gauge, [], "Questions that wait for their answers."),
        MetricDeclaration(
            "pregao_poller_source_waiting", .gauge, ["source"], "Polls that wait for their turn at the source."),
        MetricDeclaration(
            "pregao_poller_source_circuit_open", .gauge, ["source"],
            "1 while the source is left alone after its failures."),
        MetricDeclaration(
            "pregao_poller_source_budget", .gauge, ["source"], "Questions that the source may be asked in a UTC day."),
        MetricDeclaration(
            "pregao_poller_source_budget_used", .gauge, ["source"], "Questions that it was asked this UTC day."),
        MetricDeclaration(
            "pregao_poller_refused_appends_total", .counter, [], "Appends that the log refused, and are tried again."),
        MetricDeclaration("pregao_poller_quotes_waiting", .gauge, [], "Quotes that wait to be appended."),
        MetricDeclaration("pregao_poller_tasks_total", .counter, ["feed"], "Tasks of runs that were worked off."),
        MetricDeclaration("pregao_poller_unreadable_tasks_total", .counter, [], "Messages that are no task."),
    ]

    private static let flusher = [
        MetricDeclaration("pregao_flusher_rows_total", .counter, ["topic"], "Rows announced."),
        MetricDeclaration(
            "pregao_flusher_rejected_total", .counter, ["topic"], "Messages that went to the dead letters."),
        MetricDeclaration(
            "pregao_flusher_lost_offsets_total", .counter, ["topic"],
            "Offsets that retention took before they were read."),
        MetricDeclaration("pregao_flusher_objects_total", .counter, ["topic"], "Objects announced."),
        MetricDeclaration("pregao_flusher_bytes_total", .counter, ["topic"], "Bytes of objects announced."),
        MetricDeclaration("pregao_flusher_commit_seconds", .histogram, [], "How long commits took."),
        MetricDeclaration(
            "pregao_flusher_retries_total", .counter, ["step"], "Polls, puts and commits that were refused."),
        MetricDeclaration(
            "pregao_flusher_fenced_total", .counter, [], "Commits of partitions that had another owner."),
        MetricDeclaration(
            "pregao_flusher_newer_version_total", .counter, ["topic", "partition"],
            "Messages that only a newer program reads."),
        MetricDeclaration(
            "pregao_flusher_buffered_bytes", .gauge, ["topic", "partition"], "Bytes read and not yet announced."),
        MetricDeclaration(
            "pregao_flusher_batch_age_seconds", .gauge, ["topic", "partition"],
            "Since the open object's first message came."),
        MetricDeclaration(
            "pregao_flusher_paused", .gauge, ["topic", "partition"], "1 while the partition is not read."),
        MetricDeclaration(
            "pregao_flusher_lag_seconds", .gauge, ["topic", "partition"],
            "Age of the newest message read, when it was read."),
    ]

    private static let archiver = [
        MetricDeclaration("pregao_archiver_objects_total", .counter, ["dataset"], "Objects registered."),
        MetricDeclaration("pregao_archiver_bytes_total", .counter, ["dataset"], "Bytes of objects registered."),
        MetricDeclaration(
            "pregao_archiver_refused_total", .counter, ["reason"], "Messages that went to the dead letters."),
        MetricDeclaration(
            "pregao_archiver_retries_total", .counter, ["step"], "Reads, batches and commits that were held back."),
        MetricDeclaration(
            "pregao_archiver_held_partitions", .gauge, [], "Partitions that wait for a store or the catalog."),
        MetricDeclaration(
            "pregao_archiver_freshness_seconds", .histogram, [], "From an object's announcement to its registration."),
    ]

    private static let catalog = [
        MetricDeclaration(
            "pregao_catalog_conflicts_total", .counter, [], "Transactions begun again, since another came first."),
        MetricDeclaration(
            "pregao_catalog_exchanges_total", .counter, [], "Questions to the engine inside writing transactions."),
        MetricDeclaration("pregao_catalog_transaction_seconds", .histogram, [], "How long writing transactions took."),
    ]

    private static let batch = [
        MetricDeclaration(
            "pregao_batch_backlog", .gauge, [], "Days of models that have changed and are not published."),
        MetricDeclaration("pregao_batch_runs_total", .counter, ["model", "outcome"], "Days computed."),
        MetricDeclaration("pregao_batch_run_seconds", .histogram, ["model"], "How long they took."),
        MetricDeclaration("pregao_batch_input_files_total", .counter, ["model"], "Files that they were computed from."),
        MetricDeclaration("pregao_batch_rows_total", .counter, ["model"], "Rows published."),
        MetricDeclaration(
            "pregao_batch_compacted_objects_total", .counter, [], "Small files that large ones were made of."),
        MetricDeclaration("pregao_batch_compacted_files_total", .counter, [], "Large files made of small ones."),
        MetricDeclaration(
            "pregao_batch_compaction_failures_total", .counter, [], "Times that large files could not be made."),
        MetricDeclaration(
            "pregao_batch_expired_objects_total", .counter, [],
            "Raw objects that expired: what reads them reads large files."),
        MetricDeclaration("pregao_batch_removed_objects_total", .counter, [], "Expired objects removed from raw."),
        MetricDeclaration("pregao_batch_removed_bytes_total", .counter, [], "Their bytes."),
        MetricDeclaration(
            "pregao_batch_expiration_obstacles", .gauge, [],
            "Large files whose raw objects are past their retention, and kept since a day is dirty, or the like."),
        MetricDeclaration(
            "pregao_batch_retention_failures_total", .counter, [],
            "Times that raw objects were kept since a file, a backup or a store was not in order."),
        MetricDeclaration(
            "pregao_batch_catalog_failures_total", .counter, [], "Times that the catalog did not answer."),
    ]
}
