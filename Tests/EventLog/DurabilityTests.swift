import Foundation
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
    func `every commit is synced, and only the writer moves the write-ahead log into the file`() async throws {
        let log = try await scratch.open()
        let settings = try await log.writer.perform { session throws(Fault) in
            [
                try session.statements.connection.integer("PRAGMA synchronous"),
                try session.statements.connection.integer(
                    "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"),
            ]
        }
        #expect(settings == [2, 1])
        let before = try #require(scratch.size(of: ""))
        // SQLite's own checkpoints come at 1000 pages, and when the last connection closes.
        for round in 0..<20 { _ = try await log.append((0..<1000).map { message(round * 1000 + $0, bytes: 500) }) }
        #expect(scratch.size(of: "") == before)
        await log.close()
        let after = try #require(scratch.size(of: ""))
        #expect(after > before + 20_000 * 500)
    }

    @Test
    func `a process that writes without a pause leaves the others their turns`() async throws {
        let (busy, other) = (try await scratch.open(), try await scratch.open())
        let appended = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var count = 0
                    while !Task.isCancelled { count += try await busy.append([message(0)]).count }
                    return count
                }
            }
            for number in 1...20 { _ = try await other.append([message(number)]) }
            group.cancelAll()
            return try await group.reduce(0, +)
        }
        // The busy process has some transactions for each of the other's; a hundred times as many would be starvation.
        #expect(appended < 20 * 8 * 100)
        await busy.close()
        await other.close()
    }

    @Test
    func `a process that is frozen while it waits for its turn does not keep the others from writing`() async throws {
        let log = try await scratch.open { $0.busyWait = .seconds(1) }
        let frozen = try FileLock(path: scratch.path + ".lock")
        #expect(frozen.setTurn(F_WRLCK) == 0)
        for number in 0..<5 { _ = try await log.append([message(number)]) }
        #expect(try await log.numbers() == [0, 1, 2, 3, 4])
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
        var other = try FileLock(path: scratch.path + ".lock")
        try other.acquire(waitingAtMost: .seconds(10))
        let error = await #expect(throws: LogError.self) { try await log.append([message(1)]) }
        #expect(error?.kind == .busy)
        other.release()
        _ = try await log.append([message(2)])
        #expect(try await log.numbers() == [2])
        await log.close()
    }
}
