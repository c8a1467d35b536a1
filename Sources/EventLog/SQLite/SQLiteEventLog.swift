import Foundation
import MarketData
import Runtime

/// The embedded log: all topics, positions and leases in one SQLite file, for the processes of one machine.
///
/// The file is in write-ahead mode and synced at every commit. Writes of all processes take turns under a lock on
/// `<path>.lock`; those that a process asks for at the same time share a transaction and its sync. SQLite runs on three
/// threads of the log's own: one writes, one reads, one renews leases and looks for other processes' writes.
public final class SQLiteEventLog: EventLog {
    public let epoch: String
    public let hasOffsetGaps = false

    let settings: SQLiteLogSettings
    let writer: Writer
    let reader: Reader
    let heart: Heart
    let signal: Signal

    /// Opens the log at `path`; makes it, and its folder, where there is none.
    ///
    /// - Parameters:
    ///   - clock: gives the messages' timestamps.
    ///   - leaseClock: times the members' leases; the same in all processes that use the file.
    /// - Throws: ``LogError/Kind/corrupt`` where the file is no log, is damaged or of a newer format;
    ///   ``LogError/Kind/cannotWrite`` where it cannot be made or written.
    public static func open(
        at path: String, settings: SQLiteLogSettings = SQLiteLogSettings(), clock: any WallClock,
        leaseClock: any LeaseClock = BootLeaseClock()
    ) async throws(LogError) -> SQLiteEventLog {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do throws(Fault) {
            try makeFolder(folder)
        } catch {
            throw error.whileDoing("make the folder \(folder) of the log")
        }
        return try await start(
            WriteSession.Options(
                path: path, mode: .create, settings: settings, clock: clock, leaseClock: leaseClock))
    }

    /// Opens the log at `path`, which has to be there.
    public static func openExisting(
        at path: String, settings: SQLiteLogSettings = SQLiteLogSettings(), clock: any WallClock,
        leaseClock: any LeaseClock = BootLeaseClock()
    ) async throws(LogError) -> SQLiteEventLog {
        guard FileManager.default.fileExists(atPath: path) else {
            throw LogError(
                .other, doing: "open the log \(path)", cause: "there is no such file; start what writes it first")
        }
        return try await start(
            WriteSession.Options(
                path: path, mode: .existing, settings: settings, clock: clock, leaseClock: leaseClock))
    }

    private static func start(_ options: WriteSession.Options) async throws(LogError) -> SQLiteEventLog {
        let (path, settings) = (options.path, options.settings)
        let signal = Signal()
        do throws(Fault) {
            let writer = try await Writer.start(options, telling: signal)
            let reader = try await Reader.start(path: path, busyWait: settings.busyWait)
            let heart = try await Heart.start(path: path, settings: settings, writer: writer, signal: signal)
            return SQLiteEventLog(settings: settings, writer: writer, reader: reader, heart: heart, signal: signal)
        } catch {
            throw error.whileDoing("open the log \(path)")
        }
    }

    private init(settings: SQLiteLogSettings, writer: Writer, reader: Reader, heart: Heart, signal: Signal) {
        self.settings = settings
        self.writer = writer
        self.reader = reader
        self.heart = heart
        self.signal = signal
        epoch = writer.epoch
    }

    /// Ends the members' heartbeats and closes the file. What was asked for before is still done; members that have not
    /// left keep their partitions until their leases run out.
    public func close() async {
        heart.close()
        reader.close()
        writer.close()
        signal.raise()
        await heart.ended()
        await reader.ended()
        await writer.ended()
    }

    public func declare(_ topic: TopicDeclaration, readBy groups: Set<String>) async throws(LogError) {
        try await doing("declare \(topic.name)") { () throws(Fault) in
            try await writer.perform { session throws(Fault) in try session.declare(topic, readBy: groups) }
        }
    }

    public func topics() async throws(LogError) -> [TopicDeclaration] {
        try await doing("list the topics") { () throws(Fault) in
            try await reader.perform { session in
                session.declarations.topics.values.map(\.declaration).sorted { $0.name < $1.name }
            }
        }
    }

    public func append(_ messages: [OutgoingMessage]) async throws(LogError) -> [LogPosition] {
        guard let first = messages.first else { return [] }
        return try await doing("append \(messages.count) messages, the first to \(first.topic)") { () throws(Fault) in
            let weight = try messages.weight(ofAtMost: settings.maximumMessageBytes)
            return try await writer.perform(weight: weight) { session throws(Fault) in
                try session.append(messages)
            }
        }
    }

    public func join(group: String, instance: String, topics: [String]) async throws(LogError) -> any GroupConsumer {
        try await doing("join group \(group) as \(instance)") { () throws(Fault) in
            let membership = try await writer.perform { session throws(Fault) in
                try session.join(group: group, instance: instance, topics: topics)
            }
            return SQLiteGroupConsumer(of: self, group: group, topics: topics, membership: membership)
        }
    }

    public func committed(group: String, topics: Set<String>) async throws(LogError) -> [TopicPartition: Offset] {
        try await doing("read the positions of group \(group)") { () throws(Fault) in
            try await reader.perform { session throws(Fault) in try session.committed(group: group, topics: topics) }
        }
    }

    public func watermarks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        try await doing("read the watermarks of \(topic)") { () throws(Fault) in
            try await reader.perform { session throws(Fault) in
                var watermarks: [TopicPartition: Watermarks] = [:]
                for (number, partition) in try session.declarations.topic(topic).partitions.enumerated() {
                    let source = TopicPartition(topic: topic, partition: Int32(number))
                    watermarks[source] = try session.watermarks(of: partition)
                }
                return watermarks
            }
        }
    }

    public func read(
        _ partition: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int
    ) async throws(LogError) -> RecordBatch {
        try await doing("read \(partition) from \(start) to \(end)") { () throws(Fault) in
            try await reader.perform { session throws(Fault) in
                let id = try session.declarations.partition(partition)
                let last = try session.watermarks(of: id).end
                return try session.batch(
                    partition, id, from: start, to: min(end, last), maximumBytes: maximumBytes)
            }
        }
    }

    public func applyRetention(now: Instant?) async throws(LogError) {
        try await doing("apply the topics' retention") { () throws(Fault) in
            try await RetentionPass(writer: writer, reader: reader, now: now).run()
        }
    }

    private func doing<Result>(
        _ what: @autoclosure () -> String, _ body: () async throws(Fault) -> Result
    ) async throws(LogError) -> Result {
        do throws(Fault) { return try await body() } catch { throw error.whileDoing(what()) }
    }
}
