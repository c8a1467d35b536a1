import Configuration
import EventLog
import Operations
import Runtime

extension Workplace {
    /// Begins to answer /healthz, /readyz and /metrics; nil where the settings give no port.
    func serveOperations() throws(OperationsError) -> OperationsServer? {
        let settings = configuration.operations
        guard let port = settings.port else { return nil }
        let server = try OperationsServer(
            address: settings.address, port: port, metrics: metrics, readiness: readiness,
            process: ProcessFigures(version: VersionCommand.number))
        logger.info(
            "answers /healthz, /readyz and /metrics", ["address": settings.address, "port": Int(server.port)])
        return server
    }
}

/// What the groups have yet to pass, as figures.
struct LagFigures {
    /// The stage that a group's members are of.
    static let groups = ["poller": "pregao.poller", "flusher": "pregao.flusher", "archiver": "pregao.archiver"]

    let log: any EventLog
    let metrics: Metrics
    let readiness: Readiness

    /// Measures every partition that the stages' groups have ever committed in; a log that does not answer keeps the
    /// process from its work.
    ///
    /// - Parameter ended: is asked between requests, each of which may take as long as a log that is away lets it.
    func measure(_ stages: [String], until ended: Shutdown) async {
        do throws(LogError) {
            for group in stages.compactMap({ Self.groups[$0] }) where !ended.isRequested {
                try await measure(group: group, until: ended)
            }
            if stages.allSatisfy({ Self.groups[$0] == nil }) { _ = try await log.topics() }
            readiness.clear("log")
        } catch {
            readiness.hold("log", "log: \(error)")
        }
    }

    private func measure(group: String, until ended: Shutdown) async throws(LogError) {
        for (partition, waiting) in try await log.lag(of: group, until: ended) {
            metrics.set(
                "pregao_log_lag_messages",
                ["group": group, "topic": partition.topic, "partition": "\(partition.partition)"],
                to: Double(waiting))
        }
    }
}

extension EventLog {
    /// What the group has yet to pass of what is kept, in every partition of the topics that it has ever committed in.
    ///
    /// - Parameter ended: is asked between requests; what was not asked for by then is left out.
    func lag(of group: String, until ended: Shutdown = Shutdown()) async throws(LogError) -> [TopicPartition: Int64] {
        let positions = try await committed(group: group)
        var lag: [TopicPartition: Int64] = [:]
        for topic in Set(positions.keys.map(\.topic)).sorted() where !ended.isRequested {
            for (partition, marks) in try await watermarks(of: topic) {
                lag[partition] = max(0, marks.end - max(positions[partition] ?? marks.start, marks.start))
            }
        }
        return lag
    }
}
