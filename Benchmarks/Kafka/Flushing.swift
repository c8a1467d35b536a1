import EventLog
import Flusher
import Foundation
import KafkaBaseline
import KafkaLog
import Lake
import MarketData
import Runtime

/// What the worker processes do.
enum Flushing {
    /// The flusher as the program runs it, with its default settings, until so many messages came, or until standard
    /// input ends: `flush BROKERS GROUP INSTANCE FOLDER INTERVAL SHARE [MESSAGES]`. Nothing is read
    /// before it has its share of the partitions.
    static func flush(_ words: [String]) async throws -> Figures {
        guard words.count >= 6, let interval = Double(words[4]), let share = Int(words[5]) else {
            throw BenchmarkFault("flush takes more")
        }
        let shutdown = Shutdown()
        let count = MessageCount(awaited: words.count > 6 ? Int(words[6]) : nil, shutdown: shutdown)
        if words.count == 6 {
            // Detached: a thread that waits for the end of the input, which the process outlives only if it fails.
            Thread.detachNewThread {
                _ = try? FileHandle.standardInput.readToEnd()
                shutdown.request()
            }
        }
        var kafka = KafkaLogSettings(brokers: words[0])
        kafka.report = { FileHandle.standardError.write(Data("librdkafka \($0): \($1)\n".utf8)) }
        let log = try await KafkaEventLog.open(kafka)
        let metrics = Metrics()
        let settings = FlusherSettings(
            instance: words[2], trigger: BatchTrigger(interval: .milliseconds(Int(interval * 1000))), group: words[1])
        try await Flusher(
            settings: settings, datasets: [Datasets.quotes], log: CountingLog(real: log, count: count, share: share),
            store: LocalObjectStore(root: words[3]), clock: SystemWallClock(),
            logger: Logger(component: words[2], minimum: .warning), metrics: metrics
        ).run(until: shutdown)
        var figures = Figures(
            messages: count.messages, files: 0, fileBytes: 0, began: count.began, ended: Figures.now(),
            processorSeconds: 0, peakBytes: 0)
        for (series, figure) in metrics.snapshot() {
            guard case .counter(let value) = figure else { continue }
            if series.name == "pregao_flusher_objects_total" { figures.files += Int(value) }
            if series.name == "pregao_flusher_bytes_total" { figures.fileBytes += Int(value) }
        }
        await log.close()
        figures.takeUsage()
        return figures
    }

    /// The bare loop: `bare BROKERS PARTITIONS FOLDER`.
    static func bare(_ words: [String]) throws -> Figures {
        guard words.count == 3, let partitions = Int32(words[1]) else { throw BenchmarkFault("bare takes more") }
        var drained = kafka_drained()
        let size = BatchTrigger().size
        guard kafka_baseline_drain(words[0], Datasets.quotes.topic, partitions, words[2], size, &drained) == 0 else {
            throw BenchmarkFault("the bare loop failed")
        }
        var figures = Figures(
            messages: Int(drained.messages), files: Int(drained.files), fileBytes: Int(drained.file_bytes),
            began: drained.began, ended: drained.ended, processorSeconds: 0, peakBytes: 0)
        figures.takeUsage()
        return figures
    }
}
