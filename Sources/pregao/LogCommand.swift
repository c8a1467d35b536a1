import EventLog
import Foundation
import Terminal

enum LogCommand {
    static let command: Command = Command(
        "log", "Look at the topics and their messages",
        subcommands: [
            Command(
                "topics", "List topics, partitions and what they hold",
                options: CommonOptions.settings + [CommonOptions.json], run: topics),
            Command(
                "read", "Print messages of a topic, one a line, as they were appended",
                options: CommonOptions.settings + [
                    Option("partition", .value(placeholder: "N"), "Only this partition"),
                    Option("from", .value(placeholder: "OFFSET"), "From this offset on", standard: "the first kept"),
                    Option("count", .value(placeholder: "N"), "At most so many messages a partition", standard: "10"),
                ],
                positionals: [Positional("TOPIC", "Such as pregao.quotes")],
                examples: [Example("pregao log read pregao.quotes --count 3", "the first three of each partition")],
                run: read),
        ])

    @Sendable private static func topics(_ arguments: Arguments) async throws -> ExitCode {
        let log = try await Workplace(try arguments.configuration(), component: "log").openExistingLog()
        var table = Table(["topic", "partition", "first offset", "next offset"])
        for topic in try await log.topics() {
            for (partition, marks) in try await log.watermarks(of: topic.name).sorted(by: { $0.key < $1.key }) {
                table.append([
                    .text(topic.name), .number(Int64(partition.partition)), .number(marks.start), .number(marks.end),
                ])
            }
        }
        await log.close()
        arguments.print(table)
        return .success
    }

    @Sendable private static func read(_ arguments: Arguments) async throws -> ExitCode {
        let topic = arguments.positionals[0]
        let count = try arguments.integer("count", in: 1...1_000_000) ?? 10
        let from = try arguments.integer("from", in: 0...Int.max) ?? 0
        let only = try arguments.integer("partition", in: 0...65_535)
        let log = try await Workplace(try arguments.configuration(), component: "log").openExistingLog()
        for (partition, marks) in try await log.watermarks(of: topic).sorted(by: { $0.key < $1.key }) {
            guard only == nil || only == Int(partition.partition) else { continue }
            try await print(log, partition, from: max(Int64(from), marks.start), to: marks.end, count)
        }
        await log.close()
        return .success
    }

    private static func print(
        _ log: any EventLog, _ partition: TopicPartition, from: Offset, to end: Offset, _ count: Int
    )
        async throws
    {
        var next = from
        var left = count
        while next < end, left > 0 {
            let batch = try await log.read(partition, from: next, to: end, maximumBytes: 1 << 20)
            for record in batch.records.prefix(left) {
                Output.write(String(decoding: batch.value(of: record) ?? [], as: UTF8.self) + "\n")
            }
            left -= batch.records.count
            guard batch.nextOffset > next else { return }
            next = batch.nextOffset
        }
    }
}
