import EventLog
import JSON
import Lake
import MarketData
import Testing

@testable import Flusher

/// Messages that retention takes before they are read.
@Suite("Flusher: what retention takes", .timeLimit(.minutes(1)))
struct LossTests {
    /// Ten messages that retention takes between the assignment and the first records, then five that are kept.
    private func lose(in landing: Landing, with fault: any Fault = NoFault()) async throws {
        try await landing.appendPrices(0..<10)
        let freeze = Freeze(Moment(call: .next, side: .before), atNumber: 2)
        async let failure = landing.live(Landing.Life(fault: Both(first: freeze, second: fault))) {
            $0.values.contains(15)
        }
        await freeze.began.opened()
        try await landing.removeEverything()
        try await landing.appendPrices(10..<15)
        freeze.end.open()
        #expect(try await failure == nil)
    }

    @Test(
        "Messages lost to retention are announced as such, and as one gap, whatever becomes of the commit",
        arguments: [
            nil, Moment(call: .commit, side: .before), Moment(call: .commit, side: .after),
            Moment(call: .put, side: .before), Moment(call: .put, side: .after),
        ])
    func lostToRetention(refused: Moment?) async throws {
        try await Landing.with(partitions: 1, retention: .delete(age: .seconds(1), bytes: nil)) { landing in
            try await lose(in: landing, with: refused.map { Refusal($0, times: 2) } ?? NoFault())
            let announced = try await landing.announcements()
            #expect(announced.first?.emptyReason == "lost-to-retention")
            #expect(announced.first?.start == 0 && announced.first?.end == 10)
            #expect(announced.last?.end == 15)

            let gaps = try await landing.gaps()
            #expect(gaps.count == 1)
            let gap = try #require(gaps.first?.root)
            #expect(gap["reason"]?.string == "lost-to-retention")
            #expect(gap["feed"]?.string == "prices" && gap["symbol"]?.string == "pregao.prices/0")
            #expect(gap["detail"]?.string?.hasPrefix("offsets 0 to 9 of epoch ") == true)
        }
    }

    @Test("A gap of lost messages lies between the times of those that were read before and behind it")
    func times() async throws {
        let encoder = PartitionEncoder(
            .init(
                dataset: pricesDataset, source: TopicPartition(topic: Landing.source, partition: 0), epoch: "abcd1234",
                deadLetterInlineLimit: 1000), thread: EncoderThread(number: 0))
        let source = TopicPartition(topic: Landing.source, partition: 0)
        let read = RecordBatch(source, from: 0, values: [priceMessage(1), priceMessage(2)])
        _ = await encoder.append(read, from: 0, room: Room(bytes: .max, messages: nil))
        _ = try await encoder.finish(0..<2, emptyReason: nil)
        let kept = try #require(read.records.last).timestamp.adding(microseconds: 5_000_000)
        let lost = try await encoder.finish(2..<9, emptyReason: .lostToRetention, keptSince: kept)
        #expect(lost.summary.lostAfter == read.records.last?.timestamp)
        #expect(lost.summary.lostBefore == kept)
    }

    @Test("What was gone before the first start is no gap: nobody had read so far")
    func beforeFirstStart() async throws {
        try await Landing.with(partitions: 1, retention: .delete(age: .seconds(1), bytes: nil)) { landing in
            try await landing.appendPrices(0..<10)
            try await landing.removeEverything()
            try await landing.appendPrices(10..<15)
            try await landing.live { $0.values.contains(15) }
            #expect(try await landing.gaps().isEmpty)
        }
    }
}
