import CRdKafka
import EventLog
import MarketData
import Synchronization

/// The log on a Kafka cluster.
///
/// Appends and commits are transactions, and readers see what is committed. librdkafka's calls block, so that they are
/// made on threads of the log's own: one that looks, one that reads without a group, one that appends, and for each
/// member of a group one that serves its consumer and one that commits.
public final class KafkaEventLog: EventLog {
    public let epoch: String
    /// Transactions leave markers.
    public let hasOffsetGaps = true

    private let settings: KafkaLogSettings
    private let directory: TopicDirectory
    private let written: OwnWrites
    private let looking: Lane<Observer>
    private let reading: Lane<Cursor>
    private let appender: Appender
    private let members = Mutex(Members())

    private struct Members {
        var consumers: [WeakConsumer] = []
        var isClosed = false
    }

    private struct WeakConsumer {
        weak var consumer: KafkaGroupConsumer?
    }

    /// Connects to the cluster.
    ///
    /// - Throws: ``LogError/Kind/other`` where a property is none of librdkafka's or the cluster refuses the
    ///   credentials; ``LogError/Kind/busy`` where no broker answers.
    public static func open(_ settings: KafkaLogSettings) async throws(LogError) -> KafkaEventLog {
        do throws(KafkaFault) {
            if let fault = settings.faults.first { throw KafkaFault(fault) }
            let client = try Client(RD_KAFKA_CONSUMER, .observer(settings), report: settings.report)
            let directory = TopicDirectory(client, timeout: settings.requestTimeout)
            let written = OwnWrites()
            let looking = try await Lane.start("kafka looks") { () throws(KafkaFault) in
                Observer(client, directory, written, settings)
            }
            do throws(KafkaFault) {
                let epoch = try await looking.perform { observer throws(KafkaFault) in try observer.epoch() }
                let reading = try await Lane.start("kafka reads") { () throws(KafkaFault) in
                    Cursor(client, directory, written, settings)
                }
                return KafkaEventLog(settings, epoch: epoch, directory, written, looking: looking, reading: reading)
            } catch {
                looking.close()
                throw error
            }
        } catch {
            throw error.whileDoing("open the log at \(settings.brokers)")
        }
    }

    private init(
        _ settings: KafkaLogSettings, epoch: String, _ directory: TopicDirectory, _ written: OwnWrites,
        looking: Lane<Observer>, reading: Lane<Cursor>
    ) {
        self.settings = settings
        self.epoch = epoch
        self.directory = directory
        self.written = written
        self.looking = looking
        self.reading = reading
        // Of this opening alone: appends of one process do not fence those of another.
        let number = UInt64.random(in: .min ... .max)
        appender = Appender(
            transactionalID: "pregao-append-\(String(number, radix: 36))", directory, written, settings)
    }

    /// Members that have not left leave their groups. What was appended can be read by all when it returns.
    public func close() async {
        let consumers = members.withLock { members in
            members.isClosed = true
            return members.consumers.compactMap(\.consumer)
        }
        for consumer in consumers { await consumer.close() }
        await appender.close()
        _ = try? await looking.perform { observer throws(KafkaFault) in
            for partition in observer.written.partitions { _ = try observer.watermarks(of: partition) }
        }
        looking.close()
        reading.close()
        await looking.ended()
        await reading.ended()
    }

    /// - Parameter groups: have no effect: a cluster's retention knows no groups, and holds nothing back for them.
    public func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await doing("declare \(topic.name)") { () throws(KafkaFault) in
            try await looking.perform { observer throws(KafkaFault) in try observer.declare(topic) }
        }
    }

    public func topics() async throws(LogError) -> [TopicDeclaration] {
        try await doing("list the topics") { () throws(KafkaFault) in
            try await looking.perform { observer throws(KafkaFault) in try observer.topics() }
        }
    }

    public func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        guard let first = messages.first else { return [] }
        return try await doing("append \(messages.count) messages, the first to \(first.topic)") {
            () throws(KafkaFault) in
            try await appender.append(messages)
        }
    }

    public func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        let (settings, directory, written) = (settings, directory, written)
        let consumer = try await doing("join group \(group) as \(instance)") { () throws(KafkaFault) in
            try await looking.perform { observer throws(KafkaFault) in
                for topic in topics { _ = try observer.directory.partitions(of: topic) }
            }
            let stopping = StopFlag()
            // First: what an earlier life of the instance left open is ended, and it can commit no more.
            let committer = try await Lane.start("kafka commits") { () throws(KafkaFault) in
                try TransactionalProducer(
                    transactionalID: "\(group)-\(instance)", directory, settings, stopping: stopping)
            }
            do throws(KafkaFault) {
                let member = try Member(settings, group: group, instance: instance, topics: topics)
                return KafkaGroupConsumer(
                    member, group: group, committer: committer, stopping: stopping, written, settings)
            } catch {
                committer.close()
                throw error
            }
        }
        let isClosed = members.withLock { members in
            members.consumers.removeAll { $0.consumer == nil }
            members.consumers.append(WeakConsumer(consumer: consumer))
            return members.isClosed
        }
        if isClosed { await consumer.close() }
        return consumer
    }

    public func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        try await doing("read the positions of group \(group)") { () throws(KafkaFault) in
            try await looking.perform { observer throws(KafkaFault) in
                try observer.committed(group: group, topics: topics)
            }
        }
    }

    public func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        try await doing("read the watermarks of \(topic)") { () throws(KafkaFault) in
            try await looking.perform { observer throws(KafkaFault) in try observer.watermarks(of: topic) }
        }
    }

    public func read(
        _ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int
    ) async throws(LogError) -> RecordBatch {
        try await doing("read \(partition) from \(start) to \(end)") { () throws(KafkaFault) in
            try await reading.perform { cursor throws(KafkaFault) in
                try cursor.read(partition, from: start, to: end, maximumBytes: maximumBytes)
            }
        }
    }

    /// Nothing: the cluster does it, in its own time and without regard to groups.
    public func applyRetention(now: Instant?) async throws(LogError) {}

    private func doing<Answer>(
        _ what: @autoclosure () -> String, _ body: () async throws(KafkaFault) -> Answer
    ) async throws(LogError) -> Answer {
        do throws(KafkaFault) { return try await body() } catch { throw error.whileDoing(what()) }
    }
}

extension Observer {
    /// From the cluster's id, unless the settings say another.
    func epoch() throws(KafkaFault) -> String {
        // Asks for the topics first: an answer shows that the credentials are right.
        try directory.refresh()
        if let epoch = settings.epoch { return epoch }
        guard let id = rd_kafka_clusterid(client.pointer, timeout) else {
            throw client.context.takeFault() ?? KafkaFault(RD_KAFKA_RESP_ERR__TIMED_OUT)
        }
        defer { rd_kafka_mem_free(client.pointer, id) }
        return Epoch.of(clusterID: String(cString: id))
    }
}

enum Epoch {
    /// Eight of a–z and 0–9, the same for the same cluster: FNV-1a of its id, which is random.
    static func of(clusterID: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in clusterID.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 36)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits.suffix(8)
    }
}
