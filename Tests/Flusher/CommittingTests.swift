import EventLog
import Lake
import Testing

@testable import Flusher

@Suite("Flusher: commits")
struct CommittingTests {
    @Test("Partitions that are due together share one commit")
    func sharesOneCommit() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(1)))
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.tell(.records(.of(.second, from: 0, count: 1)))
        flusher.pass(.seconds(1))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,1), t/1 [0,1)"])
    }

    @Test("Nothing is committed before it is put, and nothing is put before it is encoded")
    func order() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.work { $0.isEncoding }
        #expect(flusher.work.count == 1 && flusher.work.allSatisfy(\.isPut))
        flusher.work { !$0.isCommit }
        #expect(flusher.work.count == 1 && flusher.work.allSatisfy(\.isCommit))
    }

    @Test("Records go on being encoded while an object is put and committed")
    func encodesMeanwhile() {
        var flusher = SteppedFlusher(BatchTrigger(messages: 2))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 2)))
        flusher.work { $0.isEncoding }
        flusher.tell(.records(.of(.first, from: 2, count: 2)))
        flusher.work { $0.isEncoding }
        #expect(flusher.askedForPuts() == 2)
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,2)", "t/0 [2,4)"] || flusher.committed == ["t/0 [0,2) [2,4)"])
    }

    @Test("An object is committed only after those before it, in whatever order they are stored")
    func keepsOrder() throws {
        var flusher = SteppedFlusher(BatchTrigger(messages: 1))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 2)))
        flusher.work { $0.isEncoding }
        let later = try #require(flusher.work.lastIndex { $0.isPut })
        guard case .put(let id, _) = flusher.work.remove(at: later) else { return }
        flusher.refusePuts()
        flusher.tell(.put(id))
        #expect(!flusher.work.contains { $0.isCommit })
        flusher.endWaits()
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,1) [1,2)"])
    }

    @Test("A store that refuses one partition's object does not keep another's from being committed")
    func heldObjectIsNotAwaited() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.work { $0.isEncoding }
        flusher.refusePuts()
        flusher.tell(.records(.of(.second, from: 0, count: 1)))
        flusher.work()
        #expect(flusher.committed == ["t/1 [0,1)"])
        #expect(flusher.paused == [.first])
        flusher.endWaits()
        flusher.work()
        #expect(flusher.committed.last == "t/0 [0,1)")
        #expect(flusher.paused.isEmpty)
    }

    @Test("A put that fails again and again is tried again after longer and longer pauses")
    func putsAreTriedAgain() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.work { $0.isEncoding }
        for attempt in 1...3 {
            flusher.refusePuts()
            #expect(flusher.waits == [attempt])
            flusher.endWaits()
        }
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,1)"])
    }

    @Test("Other bytes under an object's name are never announced, and are asked for seldom")
    func differingObject() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.work { $0.isEncoding }
        flusher.refusePuts(.differs)
        #expect(flusher.waits == [.max])
        flusher.work()
        #expect(flusher.committed.isEmpty)
    }

    @Test(
        "A log that refuses a commit holds the partitions back until it takes it",
        arguments: [LogError.Kind.busy, .cannotWrite, .other, .unknownTopic])
    func logRefuses(kind: LogError.Kind) {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.work { !$0.isCommit }
        for attempt in 1...3 {
            flusher.refuseCommit(kind)
            #expect(flusher.waits == [attempt])
            #expect(flusher.paused == [.first])
            flusher.endWaits()
        }
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,1)"])
        #expect(flusher.paused.isEmpty)
    }

    @Test("A fenced commit of several partitions is made of each alone, so that only those of others are dropped")
    func fencedAmongOthers() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(1)))
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.tell(.records(.of(.second, from: 0, count: 1)))
        flusher.pass(.seconds(1))
        flusher.work { !$0.isCommit }
        flusher.refuseCommit(.fenced)
        #expect(flusher.partitionsBeingCommitted == [.first])
        flusher.refuseCommit(.fenced)
        flusher.work()
        #expect(flusher.committed == ["t/1 [0,1)"])
        #expect(flusher.released == [.first])
    }

    @Test("A commit that the log finds too large is made of each partition alone, and only the large one is held")
    func tooLargeAmongOthers() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(1)))
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.tell(.records(.of(.second, from: 0, count: 1)))
        flusher.pass(.seconds(1))
        flusher.work { !$0.isCommit }
        flusher.refuseCommit(.messageTooLarge)
        #expect(flusher.partitionsBeingCommitted == [.first])
        flusher.refuseCommit(.messageTooLarge)
        #expect(flusher.partitionsBeingCommitted == [.second])
        #expect(flusher.paused == [.first])
        flusher.work()
        #expect(flusher.committed == ["t/1 [0,1)"])
        // The other goes on while the large one pauses.
        flusher.tell(.records(.of(.second, from: 1, count: 1)))
        flusher.pass(.seconds(1))
        flusher.work()
        #expect(flusher.committed == ["t/1 [0,1)", "t/1 [1,2)"])
    }

    @Test("A partition whose commit is too large is tried again alone, after longer and longer pauses")
    func tooLargeIsTriedAgain() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.work { !$0.isCommit }
        for attempt in 1...3 {
            flusher.refuseCommit(.messageTooLarge)
            #expect(flusher.waits == [attempt])
            #expect(flusher.paused == [.first])
            flusher.endWaits()
            #expect(flusher.partitionsBeingCommitted == [.first])
        }
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,1)"])
        #expect(flusher.paused.isEmpty)
    }

    @Test("A partition whose commit is too large is given back, and does not keep a shutdown waiting")
    func tooLargeWhileStopping() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first, .second)
        for partition in [TopicPartition.first, .second] {
            flusher.tell(.records(.of(partition, from: 0, count: 1)))
            flusher.work { !$0.isCommit }
            flusher.refuseCommit(.messageTooLarge)
        }
        flusher.tell(.revoking([.first]))
        #expect(flusher.released == [.first])
        flusher.tell(.shutdown)
        flusher.work()
        #expect(flusher.hasLeft)
    }

    @Test("Objects under way when a commit begins wait for the next, however many follow")
    func steadyStreamDoesNotPutOffCommits() {
        var flusher = SteppedFlusher(BatchTrigger(messages: 1))
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 1)))
        flusher.work { $0.isEncoding }
        // The second partition always has an object under way.
        for offset in 0..<3 as Range<Offset> {
            flusher.tell(.records(.of(.second, from: offset, count: 1)))
            flusher.work { $0.isEncoding }
        }
        guard let index = flusher.work.firstIndex(where: { $0.isPut }),
            case .put(let id, _) = flusher.work.remove(at: index)
        else {
            Issue.record("no put")
            return
        }
        flusher.tell(.put(id))
        #expect(flusher.partitionsBeingCommitted == [.first])
    }
}
