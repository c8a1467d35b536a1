import EventLog
import Testing

@testable import Flusher

@Suite("Flusher: ownership and memory")
struct OwnershipTests {
    @Test("A revoked partition is flushed, committed and only then released")
    func revoked() {
        var flusher = SteppedFlusher()
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.tell(.revoking([.first]))
        flusher.work { !$0.isCommit }
        #expect(flusher.released.isEmpty)
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,3)"])
        #expect(flusher.released == [.first])
    }

    @Test("A partition with nothing buffered is released at once")
    func revokedIdle() {
        var flusher = SteppedFlusher()
        flusher.own(.first)
        flusher.tell(.revoking([.first]))
        #expect(flusher.released == [.first])
    }

    @Test("A revoked partition whose store refuses is released unflushed, for its next owner to read again")
    func revokedWhileHeld() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.work { $0.isEncoding }
        flusher.refusePuts()
        flusher.tell(.revoking([.first]))
        #expect(flusher.released == [.first])
        flusher.endWaits()
        flusher.work()
        #expect(flusher.committed.isEmpty)
    }

    @Test(
        "Whatever step a lost partition is at, it is never committed", arguments: ["encode", "finish", "put", "commit"])
    func lost(step: String) {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.work { action in
            switch action {
            case .append: step != "encode"
            case .finish: step == "put" || step == "commit"
            case .put: step == "commit"
            default: false
            }
        }
        flusher.tell(.lost([.first]))
        // The log fences what was already under way; nothing else is asked for.
        if step == "commit" { flusher.refuseCommit(.fenced) }
        flusher.work()
        #expect(flusher.committed.isEmpty)
        #expect(flusher.released.isEmpty)
    }

    @Test("An answer to an earlier ownership changes nothing in a later one", arguments: 0...2)
    func staleAnswers(steps: Int) {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        var left = steps
        flusher.work { _ in
            left -= 1
            return left >= 0
        }
        flusher.tell(.lost([.first]))
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 2)))
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,2)"])
    }

    @Test("A shutdown flushes everything in one commit, and then leaves")
    func shutdown() {
        var flusher = SteppedFlusher()
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.tell(.records(.of(.second, from: 0, count: 2)))
        flusher.tell(.shutdown)
        flusher.tell(.records(.of(.first, from: 3, count: 1)))
        #expect(!flusher.hasLeft)
        flusher.work()
        #expect(flusher.committed == ["t/0 [0,3), t/1 [0,2)"])
        #expect(flusher.hasLeft)
    }

    @Test("A shutdown with nothing buffered leaves at once")
    func shutdownIdle() {
        var flusher = SteppedFlusher()
        flusher.own(.first)
        flusher.tell(.shutdown)
        #expect(flusher.hasLeft)
    }

    @Test("A shutdown does not wait for a store that refuses: what it holds stays in the log")
    func shutdownWhileHeld() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .zero))
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 3)))
        flusher.work { $0.isEncoding }
        flusher.refusePuts()
        flusher.tell(.shutdown)
        #expect(flusher.hasLeft)
        #expect(flusher.committed.isEmpty)
    }

    @Test("Messages without a byte count towards the memory limit with what they take")
    func shortMessages() {
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(60)), memoryLimit: 100_000)
        flusher.own(.first)
        flusher.tell(.records(.of(.first, from: 0, count: 5000, size: 0)))
        #expect(flusher.paused == [.first])
    }

    @Test("Memory at its limit pauses every partition and flushes the fullest, until half is free again")
    func memory() {
        var flusher = SteppedFlusher(BatchTrigger(size: 1 << 20), memoryLimit: 1000)
        flusher.own(.first, .second)
        flusher.tell(.records(.of(.first, from: 0, count: 30)))
        flusher.work()
        #expect(flusher.paused.isEmpty)
        flusher.tell(.records(.of(.second, from: 0, count: 75)))
        #expect(flusher.paused == [.first, .second])
        flusher.work { !$0.isPut }
        #expect(flusher.askedForPuts() == 1)
        flusher.work()
        #expect(flusher.committed == ["t/1 [0,75)"])
        #expect(flusher.paused.isEmpty)
    }

    @Test("A store that refuses cannot make the memory grow: records stop coming")
    func memoryWhileHeld() {
        var flusher = SteppedFlusher(BatchTrigger(messages: 10), memoryLimit: 1000)
        flusher.own(.first)
        var offset: Offset = 0
        while !flusher.paused.contains(.first), offset < 1000 {
            flusher.tell(.records(.of(.first, from: offset, count: 10)))
            offset += 10
            flusher.work { $0.isEncoding }
            flusher.refusePuts()
        }
        #expect(flusher.machine.bufferedBytes <= 1000)
    }

    @Test("A partition that waits to be encoded is not read further until it has caught up")
    func behind() {
        var flusher = SteppedFlusher()
        flusher.own(.first)
        for offset in 0..<20 as Range<Offset> where !flusher.paused.contains(.first) {
            flusher.tell(.records(.of(.first, from: offset, count: 1)))
        }
        #expect(flusher.paused == [.first])
        flusher.work()
        #expect(flusher.paused.isEmpty)
    }
}
