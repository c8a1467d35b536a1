import Testing

@testable import EventLog

@Suite(.timeLimit(.minutes(1)))
struct LeaseTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test
    func `a frozen member keeps its partitions until its lease has run out, and not longer`() async throws {
        let frozen = try await scratch.open(heartbeat: .seconds(3600))
        let owner = try await frozen.join(group: "readers", instance: "a", topics: ["numbers"])
        _ = try await owner.untilAssigned()

        scratch.leaseClock.pass(seconds: 9)
        let alive = try await scratch.open()
        let newcomer = try await alive.join(group: "readers", instance: "b", topics: ["numbers"])
        #expect(try await newcomer.next(waitingAtMost: .zero) == nil)

        scratch.leaseClock.pass(seconds: 1)
        #expect(try await newcomer.untilAssigned() == [partition(0): 0])
        await frozen.close()
        await alive.close()
    }

    @Test
    func
        `a member that was frozen and wakes can neither commit nor append, is told of its loss, and is a member again`()
        async throws
    {
        let frozen = try await scratch.open(heartbeat: .seconds(3600))
        _ = try await frozen.append((0..<10).map { message($0) })
        let owner = try await frozen.join(group: "readers", instance: "a", topics: ["numbers"])
        _ = try await owner.untilAssigned()

        let alive = try await scratch.open()
        let newcomer = try await alive.join(group: "readers", instance: "b", topics: ["numbers"])
        scratch.leaseClock.pass(seconds: 11)
        _ = try await newcomer.untilAssigned()

        let error = await #expect(throws: LogError.self) {
            try await owner.commit(CommitBatch(from: 0, to: 5, appends: [message(99)]))
        }
        #expect(error?.kind == .fenced)
        #expect(try await alive.numbers() == Array(0..<10))
        #expect(try await alive.committed(group: "readers") == [:])

        #expect(try await owner.untilLost() == [partition(0)])
        _ = try await newcomer.commit(CommitBatch(from: 0, to: 5))
        async let again = owner.untilAssigned()
        await newcomer.leave()
        #expect(try await again == [partition(0): 5])
        _ = try await owner.commit(CommitBatch(from: 5, to: 10))
        await frozen.close()
        await alive.close()
    }

    @Test
    func `heartbeats keep the lease of a member whose caller is busy`() async throws {
        let busy = try await scratch.open()
        let owner = try await busy.join(group: "readers", instance: "a", topics: ["numbers"])
        _ = try await owner.untilAssigned()
        let other = try await scratch.open(heartbeat: .seconds(3600))
        for _ in 0..<3 {
            scratch.leaseClock.pass(seconds: 9)
            try await untilLease(of: "a", endsAt: scratch.leaseClock.now().microseconds + 10_000_000, in: other)
        }
        let newcomer = try await other.join(group: "readers", instance: "b", topics: ["numbers"])
        #expect(try await newcomer.next(waitingAtMost: .zero) == nil)
        _ = try await owner.commit(CommitBatch(from: 0, to: 0))
        await busy.close()
        await other.close()
    }

    @Test
    func `leases of an earlier boot have run out, whatever the clock says since`() async throws {
        let before = try await scratch.open(heartbeat: .seconds(3600))
        let owner = try await before.join(group: "readers", instance: "a", topics: ["numbers"])
        _ = try await owner.untilAssigned()
        scratch.leaseClock.reboot()
        let after = try await scratch.open()
        let newcomer = try await after.join(group: "readers", instance: "b", topics: ["numbers"])
        #expect(try await newcomer.untilAssigned() == [partition(0): 0])
        await before.close()
        await after.close()
    }

    @Test
    func `a member that is dropped without leaving loses its partitions when its lease runs out`() async throws {
        let log = try await scratch.open()
        var dropped: (any GroupConsumer)? = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
        _ = try await dropped?.untilAssigned()
        dropped = nil
        let newcomer = try await log.join(group: "readers", instance: "b", topics: ["numbers"])
        // A heartbeat that was under way when the member was dropped may have renewed its lease once more.
        try await untilLease(of: "b", endsAt: scratch.leaseClock.now().microseconds + 10_000_000, in: log)
        scratch.leaseClock.pass(seconds: 10)
        #expect(try await newcomer.untilAssigned() == [partition(0): 0])
        await log.close()
    }

    @Test
    func `a commit of another member's partition is fenced by the file, whatever the committer believes`() async throws
    {
        let log = try await scratch.open(partitions: 2)
        _ = try await log.append([message(0), message(1)])
        let memberships = try await log.writer.perform { session throws(Fault) in
            let first = try session.join(group: "readers", instance: "a", topics: ["numbers"])
            return [first, try session.join(group: "readers", instance: "b", topics: ["numbers"])]
        }
        // Partition 0 is the first's, until it releases it.
        for (membership, generation) in [(1, 1), (1, 0), (0, 1)] {
            let (member, claimed) = (memberships[membership], memberships[generation].generation)
            await #expect(throws: Fault.self) {
                try await log.writer.perform(isCommit: true) { session throws(Fault) in
                    try session.commit(CommitBatch(from: 0, to: 1), by: member, generations: [claimed])
                }
            }
        }
        #expect(try await log.committed(group: "readers") == [:])
        _ = try await log.writer.perform(isCommit: true) { session throws(Fault) in
            try session.commit(
                CommitBatch(from: 0, to: 1), by: memberships[0], generations: [memberships[0].generation])
        }
        await log.close()
    }

    @Test
    func `partitions revoked before a newcomer has heard of them are given back by itself`() async throws {
        let log = try await scratch.open(partitions: 2)
        let silent = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
        let second = try await log.join(group: "readers", instance: "b", topics: ["numbers"])
        // The first has never asked; now it hears of one partition only.
        #expect(try await silent.untilAssigned().count == 1)
        #expect(try await second.untilAssigned().count == 1)
        await log.close()
    }

    /// Returns once the file says that the instance's lease ends then.
    private func untilLease(of instance: String, endsAt end: Int64, in log: SQLiteEventLog) async throws {
        while true {
            try Task.checkCancellation()
            let found = try await log.reader.perform { session throws(Fault) in
                try session.statements["SELECT expires FROM members WHERE instance = ?"]
                    .first([.text(instance)]) { $0.integer(0) }
            }
            if found == end { return }
            await Task.yield()
        }
    }
}
