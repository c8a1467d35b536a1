import MarketData
import Synchronization
import Testing

@testable import EventLog

@Suite(.timeLimit(.minutes(1)))
struct DurabilityTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test
    func `what append has returned for is in the files, should the process die at once`() async throws {
        let log = try await scratch.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 { group.addTask { _ = try await log.append([message(number)]) } }
            try await group.waitForAll()
        }
        let crashed = try await scratch.copyAsIfCrashed().open()
        #expect(try await crashed.numbers().sorted() == Array(0..<100))
        #expect(crashed.epoch == log.epoch)
        await crashed.close()
        await log.close()
    }

    @Test
    func `positions, appends and ownership survive a crash together`() async throws {
        let log = try await scratch.open()
        _ = try await log.append((0..<10).map { message($0) })
        let owner = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
        _ = try await owner.untilAssigned()
        _ = try await owner.commit(CommitBatch(from: 0, to: 6, appends: [message(10)]))

        let crashed = try await scratch.copyAsIfCrashed().open()
        #expect(try await crashed.committed(group: "readers") == [partition(0): 6])
        #expect(try await crashed.numbers() == Array(0...10))
        let restarted = try await crashed.join(group: "readers", instance: "a", topics: ["numbers"])
        #expect(try await restarted.untilAssigned() == [partition(0): 6])
        await crashed.close()
        await log.close()
    }

    @Test
    func `appends asked for at the same time share one transaction, and none returns before it`() async throws {
        let log = try await scratch.open()
        await log.close()
        let session = try WriteSession(
            WriteSession.Options(
                path: scratch.path, mode: .existing, settings: SQLiteLogSettings(), clock: scratch.wallClock,
                leaseClock: scratch.leaseClock))
        let signal = Signal()
        let transactionsAtReturn = Mutex<[UInt64]>([])
        session.execute(
            (0..<50).map { number in
                WriteJob(
                    isCommit: false, weight: 1,
                    run: { session throws(Fault) in
                        _ = try session.append([message(number)])
                        return .accepted { _ in transactionsAtReturn.withLock { $0.append(signal.count) } }
                    }, fail: { _ in })
            }, telling: signal)
        #expect(signal.count == 1)
        #expect(transactionsAtReturn.withLock { $0 } == Array(repeating: 1, count: 50))
    }

    @Test
    func `the write-ahead log is moved into the file before it grows long`() async throws {
        let log = try await scratch.open { $0.checkpointBytes = 1 << 20 }
        for round in 0..<100 { _ = try await log.append((0..<100).map { message(round * 100 + $0, bytes: 1000) }) }
        let wal = try #require(scratch.size(of: "-wal"))
        #expect(wal < 4 << 20)
        #expect(try #require(scratch.size(of: "")) > 5 << 20)
        #expect(try await log.numbers() == Array(0..<10_000))
        await log.close()
    }

    @Test
    func `a clock that jumps back does not take the timestamps with it`() async throws {
        let log = try await scratch.open()
        for jump in [0, 10, -3600, 1800, 1801] {
            scratch.wallClock.jump(seconds: Int64(jump))
            _ = try await log.append([message(jump)])
        }
        let batch = try await log.read(partition(0), from: 0, to: 5, maximumBytes: .max)
        let times = batch.records.map { $0.timestamp.microseconds / 1_000_000 - 1_800_000_000 }
        #expect(times == [0, 10, 10, 10, 11])
        await log.close()
    }

    @Test
    func `while another process holds the log, a write waits, then fails as busy, and later succeeds`() async throws {
        let log = try await scratch.open { $0.busyWait = .milliseconds(50) }
        let other = try FileLock(path: scratch.path + ".lock")
        try other.acquire(waitingAtMost: .seconds(10))
        let error = await #expect(throws: LogError.self) { try await log.append([message(1)]) }
        #expect(error?.kind == .busy)
        other.release()
        _ = try await log.append([message(2)])
        #expect(try await log.numbers() == [2])
        await log.close()
    }
}
