import Foundation
import Testing

@testable import EventLog

@Suite(.timeLimit(.minutes(1)))
struct DamagedFileTests {
    enum Damage: CaseIterable {
        case text, random, otherApplication, newerFormat, truncated, magicFlipped, schemaZeroed, epochGone

        /// Puts the damage where the log would be.
        func inflict(on scratch: Scratch) async throws {
            let path = scratch.path
            switch self {
            case .text:
                try Data(repeating: UInt8(ascii: "x"), count: 10_000).write(to: URL(fileURLWithPath: path))
            case .random:
                try Data((0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 167) }).write(
                    to: URL(fileURLWithPath: path))
            case .otherApplication:
                try execute("CREATE TABLE songs(title TEXT)", in: path)
            case .newerFormat:
                try await makeLog(scratch)
                try execute("PRAGMA user_version = 2", in: path)
            case .truncated:
                try await makeLog(scratch)
                let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
                try handle.truncate(atOffset: try handle.seekToEnd() / 2)
                try handle.close()
            case .magicFlipped:
                try await makeLog(scratch)
                try scratch.overwrite(at: 3, with: [0])
            case .schemaZeroed:
                try await makeLog(scratch)
                try scratch.overwrite(at: 100, with: Array(repeating: 0, count: 500))
            case .epochGone:
                try await makeLog(scratch)
                try execute("DELETE FROM log", in: path)
            }
        }

        private func makeLog(_ scratch: Scratch) async throws {
            let log = try await scratch.open()
            _ = try await log.append((0..<1000).map { message($0, bytes: 100) })
            await log.close()
            for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: scratch.path + suffix) }
        }

        private func execute(_ sql: String, in path: String) throws {
            try Connection(path: path, mode: .create, busyWait: .zero).execute("PRAGMA journal_mode = DELETE; \(sql)")
        }
    }

    @Test(arguments: Damage.allCases)
    func `a file that is no log, or no longer one, is refused with its path and left as it is`(_ damage: Damage)
        async throws
    {
        let scratch = try Scratch()
        try await damage.inflict(on: scratch)
        let before = try Data(contentsOf: URL(fileURLWithPath: scratch.path))
        let error = await #expect(throws: LogError.self) { try await scratch.open() }
        #expect(error?.kind == .corrupt)
        #expect(error?.description.contains(scratch.path) == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path)) == before)
    }

    @Test
    func `a log that has to be there and is not is named, and not made`() async throws {
        let scratch = try Scratch()
        let error = await #expect(throws: LogError.self) {
            _ = try await SQLiteEventLog.openExisting(at: scratch.path, clock: scratch.wallClock)
        }
        #expect(error?.description.contains(scratch.path) == true)
        #expect(!FileManager.default.fileExists(atPath: scratch.path))
    }

    @Test
    func `an empty file is what a crash at the first start leaves, and becomes a log`() async throws {
        let scratch = try Scratch()
        try Data().write(to: URL(fileURLWithPath: scratch.path))
        let log = try await scratch.open()
        _ = try await log.append([message(1)])
        #expect(try await log.numbers() == [1])
        await log.close()
    }

    @Test
    func `a damaged page makes the reads that need it fail, and no other`() async throws {
        let scratch = try Scratch()
        let log = try await scratch.open()
        _ = try await log.append((0..<10_000).map { message($0, bytes: 100) })
        await log.close()
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: scratch.path + suffix) }
        let size = try #require(
            FileManager.default.attributesOfItem(atPath: scratch.path)[.size] as? UInt64)
        try scratch.overwrite(at: size / 2 / 8192 * 8192, with: Array(repeating: 0xee, count: 8192))

        let again = try await scratch.open()
        let error = await #expect(throws: LogError.self) { try await again.numbers() }
        #expect(error?.kind == .corrupt)
        #expect(error?.description.contains(scratch.path) == true)
        let first = try await again.read(partition(0), from: 0, to: 100, maximumBytes: .max)
        #expect(first.records.count == 100)
        await again.close()
    }

    @Test
    func `a write-ahead log cut anywhere loses whole appends from its end, never a part of one`() async throws {
        let scratch = try Scratch()
        let log = try await scratch.open()
        for round in 0..<20 { _ = try await log.append((0..<5).map { message(round * 5 + $0, bytes: 500) }) }
        let crashed = try scratch.copyAsIfCrashed()
        await log.close()
        let wal = crashed.path + "-wal"
        let size = try #require(FileManager.default.attributesOfItem(atPath: wal)[.size] as? UInt64)
        var kept = 100
        for cut in stride(from: size, to: size / 4, by: -7001) {
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: wal))
            try handle.truncate(atOffset: cut)
            try handle.close()
            let copy = try crashed.copyAsIfCrashed()
            let again = try await SQLiteEventLog.open(at: copy.path, clock: copy.wallClock)
            guard try await !again.topics().isEmpty else { break }
            let numbers = try await again.numbers()
            #expect(numbers == Array(0..<numbers.count))
            #expect(numbers.count % 5 == 0)
            #expect(numbers.count <= kept)
            kept = numbers.count
            #expect(try await again.append([message(kept)]).map(\.offset) == [Offset(kept)])
            await again.close()
        }
        #expect(kept < 100)
    }
}
