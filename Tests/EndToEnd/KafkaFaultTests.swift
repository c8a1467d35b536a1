import EventLog
import Foundation
import KafkaTesting
import MarketData
import Testing

/// What a cluster may do to the program while it is away, or frozen.
@Suite("Faults on Kafka", .serialized, .timeLimit(.minutes(5)), .enabled(if: KafkaCluster.given != nil))
struct KafkaFaultTests {
    private static let options = Pipeline.Options(symbols: ["BTC-USD", "ETH-USD"], lease: "6s")

    @Test(
        "a flusher frozen inside its transaction holds readers back for its time-out, and announces nothing when it wakes"
    )
    func frozenInTransaction() async throws {
        try await KafkaCluster.shared().with(Self.options) { pipeline in
            try pipeline.start("poll", ["poll"])
            try pipeline.start(
                "frozen", ["flush", "--set", "flusher.instance=frozen"], waypoint: "log-in-transaction:2:freeze")
            let frozen = try pipeline.child("frozen")
            try await eventually("the freeze") { frozen.isStopped }
            let log = try await pipeline.openLog()
            let before = try await log.watermarks(of: "pregao.objects").mapValues(\.end)
            try pipeline.start("other", ["flush", "--set", "flusher.instance=other"])
            // Readers see only what lies before the open transaction, until the cluster ends it.
            try await eventually("announcements in every partition that had some") {
                try pipeline.expectAlive(["poll", "other"])
                let now = try await log.watermarks(of: "pregao.objects").mapValues(\.end)
                return before.allSatisfy { partition, end in end == 0 || (now[partition] ?? 0) > end }
            }
            #expect(frozen.isStopped)
            frozen.signal(SIGCONT)
            try await eventually("what it had goes to another") {
                try pipeline.expectAlive(["poll", "other", "frozen"])
                return frozen.lastLines(1000).contains("what was buffered is left to the partition's next owner")
            }
            await log.close()
            try await pipeline.finish("poll")
            for name in ["other", "frozen"] { try await pipeline.finish(name) }
            try await pipeline.prove()
        }
    }

    @Test(
        "what retention took before it was read is announced as a range without a row and recorded as a gap, loudly, and the rest goes on"
    )
    func lostToRetention() async throws {
        try await KafkaCluster.shared().with(Self.options) { pipeline in
            try await pipeline.expect(0, ["poll", "--for", "3s"])
            try await pipeline.expect(0, ["flush", "--for", "3s"])
            let log = try await pipeline.openLog()
            let read = try await log.committed(group: "pregao.flusher")
            try await pipeline.expect(0, ["poll", "--for", "3s"])
            let marks = try await log.watermarks(of: Datasets.quotes.topic)
            let lost = marks.filter { partition, marks in marks.end > (read[partition] ?? 0) + 4 }
                .mapValues { $0.end - 2 }
            try #require(!lost.isEmpty)
            let cluster = try KafkaCluster.shared()
            try #require(Administrator(brokers: cluster.address)).deleteRecords(before: lost)
            let flushed = try await pipeline.expect(0, ["flush", "--for", "5s"])
            #expect(flushed.contains("level=error") && flushed.contains("messages were lost to retention"))
            try await pipeline.expect(0, ["archive", "--for", "3s"])
            let ranges = try await pipeline.rows(
                """
                SELECT CAST(partition AS VARCHAR) AS p, CAST(end_offset AS VARCHAR) AS e FROM lake.pregao.objects
                WHERE reason = 'lost-to-retention'
                """)
            let told = ranges.map { "\($0["p"] ?? "") \($0["e"] ?? "")" }.sorted()
            #expect(told == lost.map { "\($0.key.partition) \($0.value)" }.sorted())
            let gaps = try await pipeline.rows(
                "SELECT symbol AS place, feed, detail FROM lake.raw.gaps WHERE reason = 'lost-to-retention' ORDER BY 1")
            #expect(gaps.map { $0["place"] ?? "" } == lost.keys.map { "\($0)" }.sorted())
            for gap in gaps {
                let (partition, end) = try #require(lost.first { "\($0.key)" == gap["place"] })
                let start = read[partition] ?? 0
                #expect(gap["feed"] == "quotes")
                #expect(gap["detail"]?.hasPrefix("offsets \(start) to \(end - 1) of epoch ") == true)
            }
            // The slots of what is lost are faults; the gap is none, and is shown.
            let verified = try await pipeline.run(["verify", "--json"]).output
            for gap in gaps { #expect(verified.contains("lost to retention: \(gap["detail"] ?? "")")) }
            let positions = try await log.committed(group: "pregao.flusher")
            for (partition, end) in lost { #expect((positions[partition] ?? 0) >= end) }
            await log.close()
        }
    }

    @Test("a topic deleted and made anew is refused, and the error says what to set")
    func madeAnew() async throws {
        try await KafkaCluster.shared().with(Self.options) { pipeline in
            try await pipeline.expect(0, ["poll", "--for", "3s"])
            try await pipeline.expect(0, ["flush", "--for", "3s"])
            let cluster = try KafkaCluster.shared()
            try #require(Administrator(brokers: cluster.address)).deleteTopics(startingWith: Datasets.quotes.topic)
            // As long as it was before, or longer.
            try await pipeline.expect(0, ["poll", "--for", "5s"])
            let refused = try await pipeline.run(["flush", "--for", "20s"])
            #expect(refused.ending == .exited(69))
            #expect(refused.output.contains("deleted and made anew") && refused.output.contains("log.epoch"))

            let anew = ["--set", "log.epoch=second00"]
            try await pipeline.expect(0, ["poll", "--for", "3s"] + anew)
            try await pipeline.expect(0, ["flush", "--for", "3s"] + anew)
            try await pipeline.expect(0, ["archive", "--for", "3s"] + anew)
            let ledger = try await pipeline.rows(
                """
                SELECT CAST(epoch = 'second00' AS VARCHAR) AS anew, CAST(min(start_offset) AS VARCHAR) AS "from",
                    CAST(count(*) FILTER (WHERE status = 'refused') AS VARCHAR) AS refused
                FROM lake.pregao.objects WHERE topic = 'pregao.quotes' GROUP BY 1 ORDER BY 1
                """)
            #expect(
                ledger == [
                    ["anew": "false", "from": "0", "refused": "0"], ["anew": "true", "from": "0", "refused": "0"],
                ])
        }
    }
}
