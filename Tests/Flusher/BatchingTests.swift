import EventLog
import Testing

@testable import Flusher

@Suite("Flusher: when a batch becomes an object")
struct BatchingTests {
    @Test("Nothing is flushed before the interval ends, and everything when it does")
    func interval() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(60)))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.work()
        flusher.pass(.seconds(59))
        flusher.tell(.records(.of(.first, from: 3, count: 2)))
        flusher.work()
        #expect(flusher.committed.isEmpty)
        #expect(flusher.machine.nextDue(after: flusher.now) == .seconds(60))
        flusher.pass(.seconds(1))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,5)"])
        #expect(flusher.machine.nextDue(after: flusher.now) == nil)
    }

    @Test("An interval of zero flushes whatever has arrived")
    func noInterval() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,3)"])
    }

    @Test("A count cuts inside a batch of records, exactly at the count")
    func count() {
        var flusher = SteppedFlusher(BatchTrigger(messages: 4))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 10)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,4)", "t/0 [4,8)"])
        flusher.tell(.records(.of(.first, from: 10, count: 2)))
        flusher.work()
        #expect(flusher.committed.last == "t/0 [8,12)")
    }

    @Test("A size cuts inside a batch of records, after the message that reaches it")
    func size() {
        var flusher = SteppedFlusher(BatchTrigger(size: 1 << 20))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 7, size: 400 << 10)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,3)", "t/0 [3,6)"])
    }

    @Test("The rest of a batch that was cut is due from when it arrived")
    func restIsDueFromArrival() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(5), messages: 4))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 6)))
        flusher.work()
        #expect(flusher.machine.nextDue(after: flusher.now) == .seconds(5))
        flusher.pass(.seconds(5))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,4)", "t/0 [4,6)"])
    }

    @Test("A change of the schema's version cuts the object before the message that is of another")
    func otherVersion() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(5)))
        flusher.otherVersions = [2]
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 5)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,2)"])
        flusher.pass(.seconds(5))
        flusher.work()
        #expect(flusher.committed.last == "t/0 [2,5)")
    }

    @Test("An object that holds as many trading days as an announcement names is closed")
    func fullOfDays() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(5)))
        flusher.fullAfter = [1, 4]
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 5)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,2)", "t/0 [2,5)"])
    }

    @Test("A range ends where the group's next position is, over offsets without a message")
    func rangesTileOverHoles() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        var batch = RecordBatch.of(.first, from: 2, count: 2)
        batch.nextOffset = 9
        flusher.tell(.records(batch))
        flusher.work()
        flusher.tell(.records(.of(.first, from: 11, count: 1)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,9)", "t/0 [9,12)"])
    }

    @Test("Offsets without a message are not flushed alone: they wait for the next message")
    func holesWait() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(RecordBatch(source: .first, startingAt: 5)))
        flusher.work()
        #expect(flusher.committed.isEmpty)
        flusher.tell(.records(.of(.first, from: 5, count: 1)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,6)"])
    }

    @Test("What retention took is an object of its own with its reason, and what came before is flushed first")
    func trimmed() {
        var flusher = SteppedFlusher()
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.work()
        flusher.tell(.trimmed(.first, from: 3, to: 8, keptSince: nil))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,3)", "t/0 [3,8)"])
        #expect(flusher.commits.last?.first?.objects.first?.summary.emptyReason == .lostToRetention)
    }

    @Test("Messages that were read before retention took them are not lost")
    func trimmedAfterRead() {
        var flusher = SteppedFlusher()
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.tell(.trimmed(.first, from: 0, to: 2, keptSince: nil))
        flusher.tell(.shutdown)
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,3)"])
    }

    @Test("A partition first read after its first messages are gone tiles from 0, in the commit of its first messages")
    func beforeFirstStart() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first, at: 7)
        flusher.tell(.trimmed(.first, from: 0, to: 7, keptSince: nil))
        flusher.work()
        #expect(flusher.committed.isEmpty)
        flusher.tell(.records(.of(.first, from: 7, count: 2)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,7) [7,9)"])
        #expect(flusher.commits.first?.first?.position == 7)
        #expect(flusher.commits.first?.first?.objects.first?.summary.emptyReason == .beforeFirstStart)
    }

    @Test("A partition that was committed before goes on from there")
    func goesOn() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first, at: 7)
        flusher.tell(.records(.of(.first, from: 7, count: 2)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [7,9)"])
    }

    @Test("A newer version pauses its partition loudly, after flushing what came before it; others go on")
    func newerVersion() throws {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(60)))
        flusher.newerVersions = [2: 9]
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 5)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,2)"])
        #expect(flusher.paused == [.first])
        guard case .newerVersion(.first, offset: 2, version: 9) = try #require(flusher.reports.first) else {
            Issue.record("reported \(flusher.reports)")
            return
        }
        flusher.newerVersions = [:]
        flusher.tell(.records(.of(.first, from: 5, count: 1)))
        flusher.tell(.records(.of(.second, from: 0, count: 3)))
        flusher.work()
        flusher.pass(.seconds(60))
        flusher.work()
        #expect(flusher.committed.dropFirst() == ["t/1 [0,3)"])
        flusher.tell(.revoking([.first]))
        #expect(flusher.released == [.first])
    }
}
