import EventLog
import Lake
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Flusher

@Suite("Flusher: delivery on a real log and a real store", .timeLimit(.minutes(2)))
struct DeliveryTests {
    @Test(
        "Whatever triggers a batch, every message lands once",
        arguments: [
            BatchTrigger(interval: .zero), BatchTrigger(interval: .milliseconds(50)), BatchTrigger(messages: 1),
            BatchTrigger(interval: .milliseconds(50), messages: 7),
        ])
    func everyTrigger(trigger: BatchTrigger) async throws {
        try await Landing.with { landing in
            try await landing.appendPrices(0..<60)
            let failure = try await landing.liveUntilAllIsCommitted(Landing.Life(trigger: trigger))
            #expect(failure == nil)
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test("A shutdown flushes what no trigger has yet")
    func shutdownFlushes() async throws {
        try await Landing.with(partitions: 1) { landing in
            try await landing.appendPrices(0..<10)
            // The third poll comes when the first records were taken.
            let freeze = Freeze(Moment(call: .next, side: .before), atNumber: 3)
            let life = Landing.Life(trigger: BatchTrigger(interval: .seconds(900)), fault: freeze)
            async let failure = landing.live(life) { _ in false }
            await freeze.began.opened()
            life.shutdown.request()
            freeze.end.open()
            #expect(try await failure == nil)
            let announced = try await landing.announcements()
            #expect(!announced.isEmpty)
            let position = try await landing.committed().values.first
            #expect(position == announced.last?.end)
        }
    }

    @Test("An announcement tells the object as it is, keyed by topic and partition")
    func announcement() async throws {
        try await Landing.with(partitions: 1) { landing in
            try await landing.appendPrices(0..<5)
            try await landing.liveUntilAllIsCommitted()
            let announced = try #require(try await landing.announcements().first)
            let name = try #require(RawObjectName(key: announced.key))
            let inspection = try ParquetInspection(try await landing.store.read(announced.key), decodingAll: true)
            #expect(announced.bucket == landing.store.bucket)
            #expect(announced.dataset == "prices" && announced.schemaVersion == 2)
            #expect(announced.topic == "pregao.prices" && name.epoch == announced.epoch)
            #expect(announced.rows == inspection.rows && announced.emptyReason == nil)
            #expect(announced.days.map(\.day.description) == ["2026-11-21"])
            #expect(name.digest == announced.sha256.prefix(16))
        }
    }

    @Test("What cannot be read goes to the dead letters, once, and the rest lands")
    func deadLetters() async throws {
        try await Landing.with { landing in
            let large = [UInt8](repeating: 0x7b, count: 5000)
            var values: [[UInt8]?] = (0..<20).map { priceMessage($0) }
            values += [nil, Array("[1]".utf8), large, Array(#"{"version":2,"symbol":"S"}"#.utf8), [0xff]]
            try await landing.append(values)
            let metrics = Metrics()
            try await landing.liveUntilAllIsCommitted(Landing.Life(metrics: metrics))
            try await landing.expectEverythingLandedOnce()
            let letters = try await landing.deadLetters()
            #expect(
                Set(letters.map(\.reason))
                    == ["tombstone", "not-an-object", "not-json", "missing-column", "not-utf-8"])
            let stored = letters.compactMap { letter in
                if case .stored(let object) = letter.content { object } else { nil }
            }
            #expect(stored.count == 1)
            let whole = try DeadLetter.parse(try await landing.store.read(try #require(stored.first)))
            guard case .inline(_, let value, _) = whole.content else {
                Issue.record("the stored letter has no content")
                return
            }
            #expect(value == large)
            #expect(metrics.counter("pregao_flusher_rejected_total") == 5)
            #expect(metrics.counter("pregao_flusher_rows_total") == 20)
            #expect(try await landing.announcements().reduce(0) { $0 + $1.rejected } == 5)
        }
    }

    @Test("A range of nothing but rejected messages is announced without a row")
    func allRejected() async throws {
        try await Landing.with(partitions: 1) { landing in
            try await landing.append([Array("x".utf8), Array("y".utf8)])
            try await landing.liveUntilAllIsCommitted()
            let announced = try await landing.announcements()
            #expect(announced.map(\.rows).reduce(0, +) == 0 && announced.map(\.rejected).reduce(0, +) == 2)
            #expect(announced.allSatisfy { $0.emptyReason == "all-rejected" })
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test("Older versions are read, each in objects of its own")
    func versions() async throws {
        try await Landing.with(partitions: 1) { landing in
            try await landing.appendPrices(0..<5, version: 1)
            try await landing.appendPrices(5..<9)
            try await landing.appendPrices(9..<12, version: 1)
            try await landing.liveUntilAllIsCommitted(Landing.Life(trigger: BatchTrigger(interval: .milliseconds(50))))
            try await landing.expectEverythingLandedOnce()
            let announced = try await landing.announcements()
            for object in announced {
                #expect(object.schemaVersion == ((5..<9).contains(object.start) ? 2 : 1))
                #expect(!(object.start..<object.end).contains(5) || object.start == 5)
            }
        }
    }

    @Test("A newer version pauses its partition loudly; a newer program goes on from there")
    func newerVersion() async throws {
        try await Landing.with(partitions: 2) { landing in
            try await landing.appendPrices(0..<30)
            let before = try await landing.watermarks()
            try await landing.appendPrices(30..<31, version: 3)
            let stuck = try #require(try await landing.watermarks().first { before[$0.key] != $0.value }?.key)
            try await landing.appendPrices(31..<60)
            let end = try await landing.watermarks()
            let errors = Mutex<[String]>([])
            var life = Landing.Life()
            life.lines = { line in if line.contains("level=error") { errors.withLock { $0.append(line) } } }
            try await landing.live(life) { positions in
                positions.allSatisfy { $0.key == stuck ? $0.value == before[$0.key] : $0.value == end[$0.key] }
                    && positions.count == 2
            }
            #expect(try await landing.committed()[stuck] == before[stuck])
            let line = try #require(errors.withLock { $0.first })
            #expect(line.contains("topic=\(stuck.topic)") && line.contains("partition=\(stuck.partition)"))
            #expect(line.contains("offset=\(before[stuck] ?? -1)") && line.contains("version=3"))
            let newer = Dataset(
                name: "prices", description: "For tests.", keyColumn: "symbol", tradingDay: pricesDataset.tradingDay,
                columns: pricesDataset.columns + [Column("more", .integer, nullable: true, since: 3, "More.")])
            try await landing.liveUntilAllIsCommitted(Landing.Life(dataset: newer))
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test("Messages gone before the first start are a range of their own, so that ranges tile from 0")
    func beforeFirstStart() async throws {
        try await Landing.with(partitions: 1, retention: .delete(age: .seconds(1), bytes: nil)) { landing in
            try await landing.appendPrices(0..<10)
            try await landing.removeEverything()
            try await landing.appendPrices(10..<15)
            try await landing.live { $0.values.contains(15) }
            let announced = try await landing.announcements()
            #expect(announced.first?.emptyReason == "before-first-start")
            #expect(announced.first?.start == 0 && announced.first?.end == 10 && announced.first?.rows == 0)
            #expect(announced.dropFirst().first?.start == 10 && announced.last?.end == 15)
        }
    }

    @Test("Settings that are not valid are refused before anything is read")
    func invalidSettings() async throws {
        try await Landing.with { landing in
            let failure = try await landing.live(Landing.Life(instance: "")) { _ in false }
            #expect(failure is FlusherError)
        }
    }

    @Test("A topic that was never declared is an error that names it")
    func unknownTopic() async throws {
        try await Landing.with { landing in
            let failure = try await landing.live(Landing.Life(dataset: Datasets.quotes)) { _ in false }
            #expect((failure as? LogError)?.kind == .unknownTopic)
        }
    }
}

extension Landing {
    func watermarks() async throws -> [TopicPartition: Offset] {
        let log = try await openLog()
        let ends = try await log.watermarks(of: Self.source).mapValues(\.end)
        await log.close()
        return ends
    }

    /// Retention takes everything, a day later.
    func removeEverything() async throws {
        let log = try await openLog()
        try await log.applyRetention(now: SystemWallClock(skewInMicroseconds: 86_400_000_000).now())
        await log.close()
    }
}

extension Metrics {
    /// A counter's sum over its labels.
    func counter(_ name: String) -> Double {
        snapshot().reduce(0) { sum, entry in
            guard entry.series.name == name, case .counter(let value) = entry.figure else { return sum }
            return sum + value
        }
    }
}
