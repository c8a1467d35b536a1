import EventLog
import Foundation
import MarketData
import Testing

/// Disks that are full, read-only or not there for a while, under the built program at work.
@Suite("Storage that refuses for a while", .timeLimit(.minutes(5)))
struct StorageFaultTests {
    /// One folder in one trouble, and what the program makes of it.
    private struct Refusal: CustomStringConvertible {
        let folder: String
        let trouble: SmallDisk.Trouble
        /// Who says so in the log lines.
        let component: String
        /// What stands above zero in `pregao status` meanwhile, and not before.
        let figure: Figure
        /// The topic that still grows.
        let growing: String?
        /// What the program says once it is over; nil where the backlog's end tells.
        var relief: String?

        var description: String { "\(folder) \(trouble.rawValue)" }

        /// One of which it says, depending on what was to be written first.
        var words: [String] {
            switch (folder, trouble) {
            case ("log", _), ("catalog", _): ["database or disk is full", "disk I/O error"]
            case (_, .full): ["No space left on device"]
            case (_, .readOnly): ["Read-only file system"]
            case (_, .away): ["there is no folder"]
            }
        }
    }

    private static let objects = "pregao.objects"
    private static let quotes = Datasets.quotes.topic
    private static let heldPartitions = Figure(name: "pregao_archiver_held_partitions", labels: "")
    private static let retriedPuts = Figure(name: "pregao_flusher_retries_total", labels: "step=put")

    private static let refusals =
        [
            Refusal(
                folder: "log", trouble: .full, component: "poller",
                figure: Figure(name: "pregao_poller_refused_appends_total", labels: ""),
                growing: nil),
            Refusal(
                folder: "catalog", trouble: .full, component: "archiver", figure: heldPartitions, growing: objects),
            Refusal(
                folder: "refined", trouble: .full, component: "batch",
                figure: Figure(name: "pregao_batch_runs_total", labels: "outcome=not-done"),
                growing: objects, relief: "published a day"),
        ]
        + SmallDisk.Trouble.allCases.flatMap { trouble in
            [
                Refusal(
                    folder: "lake", trouble: trouble, component: "flusher", figure: retriedPuts, growing: quotes),
                Refusal(
                    folder: "backup", trouble: trouble, component: "archiver", figure: heldPartitions,
                    growing: objects),
            ]
        }

    @Test("each is told of and waited for, the rest goes on, and nothing is lost or refused for good")
    func refusals() async throws {
        let options = Pipeline.Options(symbols: ["BTC-USD", "ETH-USD"], priceTypes: ["spot"])
        try await Pipeline.with(options) { pipeline in
            var disks: [String: SmallDisk] = [:]
            defer { for disk in disks.values { disk.remove() } }
            for folder in ["log", "lake", "backup", "catalog", "refined"] {
                disks[folder] = try SmallDisk(
                    pipeline.folder.appending(path: "disks/\(folder)"),
                    linkedFrom: pipeline.data.appending(path: folder))
            }
            try pipeline.start("run", ["run", "--set", "archiver.longest-pause=1s", "--set", "flusher.interval=300ms"])
            try await pipeline.answers(30, whileAlive: ["run"])
            try await pipeline.said(["published a day"], after: 0)
            let log = try await pipeline.openLog()
            for refusal in Self.refusals {
                let disk = try #require(disks[refusal.folder])
                do { try await live(through: refusal, of: disk, pipeline, log) } catch {
                    await log.close()
                    throw HarnessFault("\(refusal): \(error)")
                }
            }
            #expect(try await pipeline.ends(of: "pregao.dead-letters", log).allSatisfy { $0.value == 0 })
            await log.close()
            try await pipeline.finish("run")
            try await pipeline.prove()
        }
    }

    private func live(
        through refusal: Refusal, of disk: SmallDisk, _ pipeline: Pipeline, _ log: any EventLog
    ) async throws {
        let start = try pipeline.outputSize()
        try await disk.begin(refusal.trouble)
        try await pipeline.said(refusal.words, by: refusal.component, after: start)
        // Once for each folder: the figures are told every other second.
        if refusal.trouble == .full { try await pipeline.shows(refusal.figure) }
        let seen = try await refusal.growing.asyncMap { try await pipeline.ends(of: $0, log) }
        try await pipeline.answers(10, whileAlive: ["run"])
        if let topic = refusal.growing, let seen {
            try await eventually("\(topic) grows") {
                try pipeline.expectAlive(["run"])
                return try await pipeline.ends(of: topic, log) != seen
            }
        }
        try await disk.end(refusal.trouble)
        let end = try pipeline.outputSize()
        try await pipeline.answers(1, whileAlive: ["run"])
        if let relief = refusal.relief { try await pipeline.said([relief], after: end) }
        try await pipeline.hasPassed(log, whileAlive: "run")
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async throws -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
