import MarketData
import Testing

@testable import EventLog

/// What a member makes of the log's answers, in the orders in which they may come.
struct MemberStateTests {
    private let membership = Membership(group: 1, instance: "a", generation: 7)

    private func owns(_ partitions: [Int64], revoking: Set<Int64> = [], revision: Int64) -> MemberAnswer {
        .owns(
            partitions.map { id in
                MemberAnswer.Ownership(
                    partition: id, source: partition(Int32(id)), position: 10 * id, generation: 7,
                    isRevoking: revoking.contains(id), isCommitted: true)
            }, revision: revision)
    }

    /// A member that was assigned these partitions and has told its caller.
    private func member(of partitions: [Int64]) -> MemberState {
        var state = MemberState(membership, maximumBytes: 1000)
        _ = state.take(owns(partitions, revision: 1), to: state.query)
        _ = state.takeEvent()
        return state
    }

    private func batch(of id: Int32, from start: Offset, count: Int) -> RecordBatch {
        var batch = RecordBatch(source: partition(id), startingAt: start)
        for offset in 0..<count {
            batch.append(
                offset: start + Offset(offset), timestamp: Instant(microseconds: 0), key: nil, value: nil)
        }
        return batch
    }

    @Test
    func `partitions are read in turn`() {
        var state = member(of: [1, 2, 3])
        #expect(state.query.fetches.map(\.partition) == [1, 2, 3])
        _ = state.take(.records(partition: 1, batch(of: 1, from: 10, count: 5)), to: state.query)
        #expect(state.query.fetches.map(\.partition) == [2, 3, 1])
        #expect(state.query.fetches.last?.position == 15)
        _ = state.take(.records(partition: 3, batch(of: 3, from: 30, count: 5)), to: state.query)
        #expect(state.query.fetches.map(\.partition) == [1, 2, 3])
    }

    @Test
    func `records that arrive after their partition was paused are not delivered, and come again`() {
        var state = member(of: [1])
        let query = state.query
        state.pause([partition(1)])
        guard case .askAgain = state.take(.records(partition: 1, batch(of: 1, from: 10, count: 5)), to: query) else {
            Issue.record("records of a paused partition were delivered")
            return
        }
        state.resume([partition(1)])
        #expect(state.query.fetches.map(\.position) == [10])
    }

    @Test
    func `losses are told before what is to be given up, and that before what is new`() {
        var state = member(of: [1, 2])
        _ = state.take(owns([2, 3], revoking: [2], revision: 2), to: state.query)
        guard case .lost([partition(1)])? = state.takeEvent(), case .revoking([partition(2)])? = state.takeEvent(),
            case .assigned([partition(3): 30])? = state.takeEvent()
        else {
            Issue.record("another order")
            return
        }
        #expect(state.takeEvent() == nil)
    }

    @Test
    func `a revocation is told once`() {
        var state = member(of: [1])
        _ = state.take(owns([1], revoking: [1], revision: 2), to: state.query)
        _ = state.takeEvent()
        _ = state.take(owns([1], revoking: [1], revision: 3), to: state.query)
        #expect(state.takeEvent() == nil)
        #expect(state.query.fetches.isEmpty)
    }

    @Test
    func `a partition that was released is neither lost nor assigned by answers from before`() {
        var state = member(of: [1, 2])
        let query = state.query
        #expect(state.beginRelease(of: [partition(1)]) == [1])
        _ = state.take(owns([1, 2], revision: 2), to: query)
        #expect(state.takeEvent() == nil)
        state.endRelease(of: [1], at: 4)
        _ = state.take(owns([1, 2], revision: 3), to: query)
        #expect(state.takeEvent() == nil)
        _ = state.take(owns([2], revision: 4), to: state.query)
        #expect(state.takeEvent() == nil)
    }

    @Test
    func `a partition that comes back after its release is assigned anew`() {
        var state = member(of: [1])
        _ = state.beginRelease(of: [partition(1)])
        state.endRelease(of: [1], at: 4)
        _ = state.take(owns([1], revision: 4), to: state.query)
        guard case .assigned([partition(1): 10])? = state.takeEvent() else {
            Issue.record("it was not assigned")
            return
        }
    }

    @Test
    func `a release that failed leaves everything as it was`() {
        var state = member(of: [1])
        let released = state.beginRelease(of: [partition(1)])
        #expect(state.query.fetches.isEmpty)
        state.undoRelease(of: released)
        #expect(state.query.fetches.map(\.partition) == [1])
    }

    @Test
    func `a lease that ran out loses everything, and answers to the earlier life no longer count`() {
        var state = member(of: [1])
        let query = state.query
        guard case .rejoin = state.take(.expired, to: query) else {
            Issue.record("it did not become a member again")
            return
        }
        guard case .lost([partition(1)])? = state.takeEvent() else {
            Issue.record("the loss was not told")
            return
        }
        #expect(
            state.generations(
                for: CommitBatch(advances: [.init(partition: partition(1), start: 0, end: 1)], appends: [])) == nil)
        state.rejoined(as: Membership(group: 1, instance: "a", generation: 9))
        guard case .askAgain = state.take(owns([1], revision: 5), to: query) else {
            Issue.record("an answer to the earlier life was taken")
            return
        }
    }
}
