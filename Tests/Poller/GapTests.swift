import MarketData
import Testing

@testable import Poller

private let second: Int64 = 1_000_000

private func at(_ seconds: Int64) -> Instant { Instant(microseconds: (1_700_000_000 + seconds) * second) }

private func missing(_ from: Int64, _ to: Int64, _ reason: GapReason = .timeout, series: Int = 0, tries: Int = 1)
    -> MissingSlots
{
    MissingSlots(series: series, from: at(from), to: at(to), reason: reason, detail: nil, tries: tries)
}

struct GapMergerTests {
    private func merger() -> GapMerger { GapMerger(longestOpen: 10 * second) }

    @Test("Missing slots that touch and have one reason are one gap, their tries counted together")
    func merges() {
        var merger = merger()
        for slot in 0..<5 as Range<Int64> { merger.add(missing(slot, slot + 1, tries: 2), at: 0) }
        #expect(merger.takeDue(at: 0).isEmpty)
        merger.filled(0, from: at(5))
        #expect(merger.takeDue(at: 0) == [missing(0, 5, tries: 10)])
        #expect(merger.isEmpty)
    }

    @Test("Another reason, a slot in between and another series each begin a gap of their own")
    func separates() {
        var merger = merger()
        merger.add(missing(0, 1), at: 0)
        merger.add(missing(1, 2, .dns), at: 0)
        merger.add(missing(3, 4, .dns), at: 0)
        merger.add(missing(4, 5, .dns, series: 1), at: 0)
        #expect(
            merger.takeAll() == [
                missing(0, 1), missing(1, 2, .dns), missing(3, 4, .dns), missing(4, 5, .dns, series: 1),
            ])
    }

    @Test("A gap that goes on is told in pieces, once it has been open for the longest time")
    func pieces() {
        var merger = merger()
        merger.add(missing(0, 1), at: 0)
        merger.add(missing(1, 2), at: 9 * second)
        #expect(merger.takeDue(at: 9 * second).isEmpty)
        #expect(merger.takeDue(at: 10 * second) == [missing(0, 2, tries: 2)])
        merger.add(missing(2, 3), at: 11 * second)
        #expect(merger.takeAll() == [missing(2, 3)])
    }

    @Test("Answers that overtake each other: a slot before the open gap joins it, or is one of its own")
    func outOfOrder() {
        var merger = merger()
        merger.add(missing(5, 6), at: 0)
        merger.add(missing(4, 5), at: 0)
        merger.add(missing(1, 2), at: 0)
        merger.filled(0, from: at(2))
        #expect(merger.takeAll() == [missing(1, 2), missing(4, 6, tries: 2)])
    }

    @Test("What waits stays bounded even where the reasons alternate for ever, and accounts for every slot")
    func bounded() {
        var merger = merger()
        for slot in 0..<10_000 as Range<Int64> {
            merger.add(missing(slot, slot + 1, slot % 2 == 0 ? .dns : .tls), at: 0)
        }
        let gaps = merger.takeAll()
        #expect(gaps.count <= GapMerger.mostClosed + 1)
        #expect(gaps.first?.from == at(0) && gaps.last?.to == at(10_000))
        for (gap, next) in zip(gaps, gaps.dropFirst()) { #expect(gap.to == next.from) }
        #expect(gaps.reduce(0) { $0 + $1.tries } == 10_000)
    }
}

struct OutboxTests {
    private func quote(_ slot: Int64, bytes: Int = 10) -> OutboxState.Quote {
        OutboxState.Quote(
            series: 0, slot: at(slot)..<at(slot + 1), tries: 1, value: [UInt8](repeating: 0, count: bytes))
    }

    private func slots(_ batch: OutboxState.Batch) -> [Instant] { batch.quotes.map(\.slot.lowerBound) }

    @Test("Where the log stands still, the oldest quote makes room and is a gap; the rest is taken in order")
    func dropsOldest() {
        var outbox = OutboxState(maximumQuotes: 3, maximumBytes: 1 << 20, longestOpenGap: 0)
        for slot in 0..<10 as Range<Int64> { outbox.put(quote(slot), at: 0) }
        #expect(outbox.waitingQuotes == 3 && outbox.dropped == 7)
        let batch = outbox.take(atMost: 100, bytes: 1 << 20, gaps: .all, at: 0)
        #expect(slots(batch) == [at(7), at(8), at(9)])
        #expect(batch.gaps.map(\.reason) == [.tooManyWaiting])
        #expect(batch.gaps.map(\.from) == [at(0)] && batch.gaps.map(\.to) == [at(7)] && batch.gaps.map(\.tries) == [7])
        #expect(outbox.hasNothing)
    }

    @Test("Bytes are bounded too")
    func bytes() {
        var outbox = OutboxState(maximumQuotes: 1000, maximumBytes: 250, longestOpenGap: 0)
        for slot in 0..<10 as Range<Int64> { outbox.put(quote(slot, bytes: 100), at: 0) }
        #expect(outbox.waitingQuotes == 2 && outbox.waitingBytes == 200)
    }

    @Test("What the log refused goes first again, and is dropped first")
    func putBack() {
        var outbox = OutboxState(maximumQuotes: 3, maximumBytes: 1 << 20, longestOpenGap: 0)
        for slot in 0..<2 as Range<Int64> { outbox.put(quote(slot), at: 0) }
        let refused = outbox.take(atMost: 100, bytes: 1 << 20, gaps: .due, at: 0)
        for slot in 2..<4 as Range<Int64> { outbox.put(quote(slot), at: 0) }
        outbox.putBack(refused.quotes, at: 0)
        let batch = outbox.take(atMost: 100, bytes: 1 << 20, gaps: .all, at: 0)
        #expect(slots(batch) == [at(1), at(2), at(3)])
        #expect(
            batch.gaps == [
                MissingSlots(
                    series: 0, from: at(0), to: at(1), reason: .tooManyWaiting, detail: batch.gaps.first?.detail,
                    tries: 1)
            ])
    }

    @Test("Gaps that are not taken merge meanwhile, though quotes come between")
    func gapsWait() {
        var outbox = OutboxState(maximumQuotes: 2, maximumBytes: 1 << 20, longestOpenGap: 0)
        for slot in 0..<1000 as Range<Int64> {
            outbox.put(quote(slot), at: slot)
            #expect(outbox.take(atMost: 0, bytes: 0, gaps: .none, at: slot).isEmpty)
        }
        #expect(outbox.take(atMost: 0, bytes: 0, gaps: .due, at: 1000).gaps.map(\.tries) == [998])
    }

    @Test("An append takes no more than it asked for")
    func bounds() {
        var outbox = OutboxState(maximumQuotes: 5000, maximumBytes: 1 << 20, longestOpenGap: 0)
        for slot in 0..<3000 as Range<Int64> { outbox.put(quote(slot), at: 0) }
        #expect(slots(outbox.take(atMost: 2000, bytes: 1 << 20, gaps: .due, at: 0)).count == 2000)
        #expect(slots(outbox.take(atMost: 2000, bytes: 95, gaps: .due, at: 0)) == (2000..<2010).map { at($0) })
        #expect(outbox.waitingQuotes == 990)
    }
}

struct SlotLedgerTests {
    @Test("Slots settled in any order are accounted for up to the first that is not")
    func anyOrder() {
        var ledger = SlotLedger(from: at(0))
        ledger.settle(at(2)..<at(3))
        ledger.settle(at(5)..<at(6))
        ledger.settle(at(0)..<at(1))
        #expect(ledger.accountedUntil == at(1))
        #expect(ledger.holes(until: at(8)) == [at(1)..<at(2), at(3)..<at(5), at(6)..<at(8)])
        ledger.settle(at(1)..<at(2))
        #expect(ledger.accountedUntil == at(3))
        ledger.settle(at(3)..<at(5))
        #expect(ledger.accountedUntil == at(6) && ledger.ahead.isEmpty)
    }

    @Test("Stretches that touch are one, in whatever order they come")
    func merges() {
        var ledger = SlotLedger(from: at(0))
        for slot in [5, 9, 7, 6, 8, 20] as [Int64] { ledger.settle(at(slot)..<at(slot + 1)) }
        #expect(ledger.ahead == [at(5)..<at(10), at(20)..<at(21)])
        ledger.settle(at(4)..<at(25))
        #expect(ledger.ahead == [at(4)..<at(25)])
    }

    @Test("A series that begins anew has what was settled after its new beginning, and nothing before")
    func beginsAnew() {
        var ledger = SlotLedger(from: at(0))
        ledger.settle(at(5)..<at(6))
        ledger.begin(at: at(5))
        #expect(ledger == SlotLedger(from: at(5), until: at(6)))
    }

    @Test("What is settled already changes nothing")
    func again() {
        var ledger = SlotLedger(from: at(4))
        ledger.settle(at(1)..<at(2))
        #expect(ledger == SlotLedger(from: at(4)))
        #expect(ledger.holes(until: at(3)).isEmpty)
    }
}
