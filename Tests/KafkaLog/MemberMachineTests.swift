import EventLog
import Testing

@testable import KafkaLog

/// What a member of a group does with what the group and its caller say.
struct MemberMachineTests {
    private let zero = TopicPartition(topic: "numbers", partition: 0)
    private let one = TopicPartition(topic: "numbers", partition: 1)

    private func machine(_ positions: [TopicPartition: Offset]) -> MemberMachine {
        var machine = MemberMachine()
        machine.assigned(positions)
        _ = machine.takeEvent()
        return machine
    }

    private func batch(_ source: TopicPartition, from start: Offset, to end: Offset) -> RecordBatch {
        var batch = RecordBatch(source: source, startingAt: start)
        batch.nextOffset = end
        return batch
    }

    private func commit(_ source: TopicPartition, _ start: Offset, _ end: Offset) -> CommitBatch {
        CommitBatch(advances: [.init(partition: source, start: start, end: end)], appends: [])
    }

    @Test func `what is revoked is given back only when all of it was released`() {
        var machine = machine([zero: 0, one: 0])
        machine.revoking([zero, one])
        guard case .revoking(let told)? = machine.takeEvent() else {
            Issue.record("the caller was not asked")
            return
        }
        #expect(told == [zero, one])
        machine.release([zero])
        #expect(machine.takeReleased() == nil)
        machine.release([one])
        #expect(machine.takeReleased() == [zero, one])
        #expect(!machine.isGivingBack)
    }

    @Test func `commits are taken until a partition is released, and not after`() {
        var machine = machine([zero: 5])
        machine.revoking([zero])
        #expect(throws: Never.self) { try machine.check(commit(zero, 5, 8)) }
        machine.committed(commit(zero, 5, 8))
        machine.release([zero])
        #expect(throws: KafkaFault.self) { try machine.check(commit(zero, 8, 9)) }
    }

    @Test func `a commit starts where the last one ended, whatever was read or trimmed`() {
        var machine = machine([zero: 5])
        machine.take(batch(zero, from: 5, to: 20))
        machine.trimmed(zero, to: 30)
        #expect(throws: KafkaFault.self) { try machine.check(commit(zero, 20, 30)) }
        #expect(throws: Never.self) { try machine.check(commit(zero, 5, 30)) }
        machine.committed(commit(zero, 5, 30))
        #expect(throws: Never.self) { try machine.check(commit(zero, 30, 30)) }
    }

    @Test func `where the group begins it is told what was removed before, right after the assignment`() {
        var machine = MemberMachine()
        machine.assigned([zero: 40, one: 50], neverCommitted: [zero])
        guard case .assigned(let positions)? = machine.takeEvent(),
            case .trimmed(zero, from: 0, to: 40)? = machine.takeEvent()
        else {
            Issue.record("the group was not told")
            return
        }
        #expect(positions == [zero: 40, one: 50])
        #expect(machine.takeEvent() == nil)
        #expect(throws: Never.self) { try machine.check(commit(zero, 40, 41)) }
    }

    @Test func `a group that begins where nothing was removed is told of nothing`() {
        var machine = MemberMachine()
        machine.assigned([zero: 0], neverCommitted: [zero])
        _ = machine.takeEvent()
        #expect(machine.takeEvent() == nil)
    }

    @Test func `after a commit without an answer the next starts where the group says that it stands`() {
        var machine = machine([zero: 5])
        #expect(machine.doubtful == nil)
        machine.doubt(commit(zero, 5, 8))
        #expect(machine.doubtful == [zero])
        machine.resolve([zero: 8])
        #expect(machine.doubtful == nil)
        #expect(throws: KafkaFault.self) { try machine.check(commit(zero, 5, 8)) }
        #expect(throws: Never.self) { try machine.check(commit(zero, 8, 9)) }
    }

    @Test func `what is lost is told of at once, and its records are dropped`() {
        var machine = machine([zero: 0])
        machine.take(batch(zero, from: 0, to: 3))
        machine.lost([zero])
        guard case .lost(let told)? = machine.takeEvent() else {
            Issue.record("the loss was not told of")
            return
        }
        #expect(told == [zero])
        #expect(machine.takeEvent() == nil)
        #expect(throws: KafkaFault.self) { try machine.check(commit(zero, 0, 3)) }
    }

    @Test func `a member that is thrown out while it gives back loses what it has not released`() {
        var machine = machine([zero: 0, one: 0])
        machine.revoking([zero, one])
        _ = machine.takeEvent()
        machine.release([one])
        #expect(machine.loseRevoked() == [zero, one])
        guard case .lost(let told)? = machine.takeEvent() else {
            Issue.record("the loss was not told of")
            return
        }
        #expect(told == [zero])
    }

    @Test func `a partition is read again once its records were taken, and not while it is paused`() {
        var machine = machine([zero: 0, one: 0])
        machine.take(batch(zero, from: 0, to: 3))
        #expect(machine.wanted == [one])
        machine.pause([zero])
        #expect(machine.takeEvent() == nil)
        machine.resume([zero])
        #expect(machine.takeEvent() != nil)
        #expect(machine.wanted == [one, zero])
        #expect(machine.nextOffset(of: zero) == 3)
    }

    @Test func `partitions that both have records take turns`() {
        var machine = machine([zero: 0, one: 0])
        var told: [TopicPartition] = []
        for round in Offset(0)..<2 {
            machine.take(batch(zero, from: round, to: round + 1))
            machine.take(batch(one, from: round, to: round + 1))
            while case .records(let batch)? = machine.takeEvent() { told.append(batch.source) }
        }
        #expect(told == [zero, one, zero, one])
    }

    @Test func `records that were read before are not told of again`() {
        var machine = machine([zero: 10])
        machine.take(batch(zero, from: 5, to: 10))
        #expect(machine.takeEvent() == nil)
    }

    @Test func `a fenced member loses all it has, and can commit nothing, not even messages alone`() {
        var machine = machine([zero: 0])
        machine.end(.fenced("started anew"))
        guard case .lost? = machine.takeEvent() else {
            Issue.record("the loss was not told of")
            return
        }
        #expect(throws: KafkaFault.self) { try machine.check(CommitBatch(advances: [], appends: [])) }
    }

    @Test func `what was lost to retention is told behind the records that were read before it`() {
        var machine = machine([zero: 5])
        machine.take(batch(zero, from: 5, to: 20))
        machine.trimmed(zero, to: 30)
        #expect(machine.wanted == [])
        guard case .records(let first)? = machine.takeEvent(),
            case .trimmed(zero, from: 20, to: 30)? = machine.takeEvent()
        else {
            Issue.record("the records come first")
            return
        }
        #expect(first.nextOffset == 20)
        #expect(machine.wanted == [zero])
        machine.take(batch(zero, from: 30, to: 40))
        guard case .records? = machine.takeEvent() else {
            Issue.record("it is read on")
            return
        }
    }

    @Test func `a member that was thrown out and joined again commits nothing of what it had before`() {
        var machine = MemberMachine()
        machine.assigned([zero: 5], as: "first")
        #expect(throws: Never.self) { try machine.check(commit(zero, 5, 8), as: "first") }
        #expect(throws: KafkaFault.self) { try machine.check(commit(zero, 5, 8), as: "second") }
        machine.assigned([zero: 5], as: "second")
        #expect(throws: Never.self) { try machine.check(commit(zero, 5, 8), as: "second") }
    }

    @Test func `a commit that ends after its partition was assigned anew moves nothing back`() {
        var machine = machine([zero: 5])
        machine.assigned([zero: 9])
        machine.committed(commit(zero, 5, 8))
        #expect(throws: Never.self) { try machine.check(commit(zero, 9, 10)) }
    }
}
